"""The traffic log is bounded in memory and on disk, and what it loses it counts."""

import gzip
import itertools
import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.errors import StoreRefusedError, StoreUnavailableError
from include.inference import prediction_ids
from include.inference.prediction_ids import new_id
from include.inference.traffic_record import TrafficRecord, keyed_hash_of, lines_of, plain
from include.services.scorer.settings import Traffic
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue, Sent
from include.services.scorer.telemetry.metrics import Metrics
from include.services.scorer.telemetry.sender import Sender
from include.services.scorer.telemetry.traffic_log import TrafficLog
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following, in_production
from tests.support.signed_versions import version_name

DAY = "2026-11-21"
LINE = '{"id":"x"}'
KEY = b"a key of the deployment"
fork = multiprocessing.get_context("fork")


@pytest.fixture
def outbox(tmp_path):
    return DeliveryQueue(tmp_path / "outbox", 100_000)


@pytest.fixture
def metrics():
    return Metrics(shared=False)


@pytest.fixture(scope="module")
def entry():
    return in_production("sites", onnx_graphs.logistic())


def counted(metrics, outcome):
    return metrics._registry.get_sample_value(
        "nightcatch_traffic_rows_total", {"outcome": outcome}
    )  # fmt: skip


def scored(entry, n_rows=1, **changes):
    items = [{"a": 1, "b": -1}] * n_rows
    made = TrafficRecord(
        new_id("sites"), entry.pointer, entry.manifest, items, [0.9] * n_rows, range(n_rows)
    )
    return made._replace(**changes)


def lines_in(batch):
    return gzip.decompress(batch.path.read_bytes()).decode().splitlines()


class Bucket:
    """Stands where an ObjectStore stands, in memory; `fails` says how many puts fail first."""

    def __init__(self, fails=0):
        self.objects = {}
        self.fails = fails

    def put_if_absent(self, key, body, content_type):
        self.fails -= 1
        if self.fails >= 0:
            raise StoreUnavailableError("away")
        self.objects[key] = body


def test_a_line_says_what_was_asked_and_answered(entry):
    one = scored(entry, 2, probabilities=[0.25, 0.75])
    first, second = map(json.loads, lines_of(one))
    (alone,) = map(json.loads, lines_of(scored(entry, id=one.id, numbers=None), KEY))

    assert first["id"] == f"{one.id}-0"
    assert (first["probability"], first["prediction"]) == (0.25, "Legitimate")
    assert (second["probability"], second["prediction"]) == (0.75, "Phishing")
    assert (first["pipeline"], first["version"], first["serial"]) == ("sites", version_name(1), 7)
    assert first["inputs"] == {"a": 1, "b": -1}
    assert alone["id"] == one.id
    assert alone["inputs_hmac"] == keyed_hash_of({"b": -1, "a": 1}, KEY)
    assert alone["inputs_hmac"] != keyed_hash_of({"b": -1, "a": 1}, b"another key")
    assert "inputs" not in alone


@given(
    record=st.dictionaries(
        st.text(max_size=5) | st.sampled_from(["%", "%d", '"']),
        st.integers() | st.none() | st.floats(allow_nan=False) | st.booleans(),
    )
)
@example(record={"%d": 10**30, '"': -1})
@example(record={})
def test_inputs_are_kept_as_they_were_sent(entry, record):
    (line,) = lines_of(scored(entry, items=[record], numbers=None))

    assert json.loads(line)["inputs"] == record


@pytest.mark.parametrize(
    ("value", "written"), [(1.0, 1), (-1.0, -1), (0.5, 0.5), (float("nan"), None), ("u", "u")]
)
def test_a_number_of_a_table_is_spelled_as_in_a_record(value, written):
    assert plain(value) == written
    assert type(plain(value)) is type(written)


def test_batches_of_one_day_become_one_object_and_are_gone_from_disk(outbox):
    for number in range(3):
        outbox.add("traffic", "sites", DAY, [f"{LINE}{number}"] * 2)
    outbox.add("feedback", "sites", DAY, [LINE])
    bucket = Bucket()

    assert outbox.send(bucket) == Sent(7)
    assert outbox.waiting() == []
    traffic, feedback = sorted(bucket.objects, reverse=True)
    assert traffic.startswith(f"traffic/sites/date={DAY}/")
    assert feedback.startswith(f"feedback/sites/date={DAY}/")
    assert gzip.decompress(bucket.objects[traffic]).decode().splitlines() == [
        f"{LINE}{number}" for number in (0, 0, 1, 1, 2, 2)
    ]


@pytest.mark.parametrize("step_ns", [0, -3_600_000_000_000], ids=["stands", "goes-back"])
def test_batches_keep_their_order_whatever_the_clock_does(outbox, monkeypatch, step_ns):
    clock = itertools.count(time.time_ns(), step_ns)
    monkeypatch.setattr(prediction_ids, "time_ns", lambda: next(clock))
    for number in range(20):
        outbox.add("traffic", "sites", DAY, [f"{LINE}{number}"])

    assert [lines_in(batch) for batch in outbox.waiting()] == [
        [f"{LINE}{number}"] for number in range(20)
    ]


def test_what_was_sent_twice_has_the_same_key(outbox):
    outbox.add("traffic", "sites", DAY, [LINE])
    bucket = Bucket(fails=1)
    with pytest.raises(StoreUnavailableError):
        outbox.send(bucket)
    (waiting,) = outbox.waiting()
    body = waiting.path.read_bytes()
    outbox.send(bucket)

    assert bucket.objects == {waiting.key(body): body}


class Strict(Bucket):
    """Refuses bodies that hold a word, as a proxy refuses those that are too long."""

    def put_if_absent(self, key, body, content_type):
        if b"large" in gzip.decompress(body):
            raise StoreRefusedError(f"S3 refused {key}: 413")
        super().put_if_absent(key, body, content_type)


def test_a_batch_that_s3_refuses_is_set_aside_and_counted_and_holds_up_no_other(outbox, metrics):
    outbox.add("traffic", "sites", DAY, [f"{LINE}large"] * 3)
    outbox.add("traffic", "sites", DAY, [LINE] * 2)
    outbox.add("traffic", "sites", "2026-11-22", [LINE] * 4)
    bucket = Strict()
    sender = Sender(outbox, bucket, metrics, 600.0)
    outcomes = [sender.send(), sender.send(), sender.send()]

    assert outcomes == [False, True, True]
    assert outbox.waiting() == []
    assert (counted(metrics, "sent"), counted(metrics, "refused")) == (6, 3)
    assert len(bucket.objects) == 2


def test_what_a_closed_bucket_refuses_waits(outbox, metrics):
    class Closed(Bucket):
        def put_if_absent(self, key, body, content_type):
            raise StoreRefusedError("S3 refused it: AccessDenied")

    outbox.add("traffic", "sites", DAY, [LINE])
    outbox.add("traffic", "urls", DAY, [LINE])
    sender = Sender(outbox, Closed(), metrics, 600.0)

    assert [sender.send(), sender.send()] == [False, False]
    assert len(outbox.waiting()) == 2


def test_an_object_holds_few_batches_so_that_it_unpacks_to_little(outbox):
    for _ in range(40):
        outbox.add("traffic", "sites", DAY, [LINE])
    bucket = Bucket()

    assert outbox.send(bucket) == Sent(40)
    assert sorted(gzip.decompress(body).count(b"\n") for body in bucket.objects.values()) == [
        8,
        16,
        16,
    ]


def test_long_texts_wait_in_bounded_memory(outbox, metrics, entry):
    traffic = TrafficLog(outbox, metrics, Traffic("inputs", 600.0))
    for _ in range(4):  # nobody writes: it is not started
        traffic.note(scored(entry, is_sample=True, size_chars=10 * 1024 * 1024))

    assert counted(metrics, "dropped") == 1


def test_only_one_worker_sends_at_a_time(outbox):
    outbox.add("traffic", "sites", DAY, [LINE])
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Bucket):
        def put_if_absent(self, *answer):
            inside.set()
            go_on.wait(60)
            super().put_if_absent(*answer)

    sender = threading.Thread(target=outbox.send, args=(Slow(),))
    sender.start()
    assert inside.wait(60)

    assert outbox.send(Bucket()) == Sent(0)
    go_on.set()
    sender.join()
    assert outbox.waiting() == []


def add_for_ever(folder):
    while True:
        DeliveryQueue(folder, 10**7).add("traffic", "sites", DAY, [LINE] * 1000)


def test_a_worker_killed_while_it_writes_leaves_whole_batches_and_no_lock(tmp_path):
    outbox = DeliveryQueue(tmp_path, 10**7)
    for n_batches in range(1, 40, 2):
        writer = fork.Process(target=add_for_ever, args=(tmp_path,))
        writer.start()
        while len(outbox.waiting()) < n_batches:
            assert writer.is_alive()
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()

        assert {len(lines_in(batch)) for batch in outbox.waiting()} == {1000}
    outbox.add("traffic", "sites", DAY, [LINE])


def test_old_traffic_makes_room_for_new_and_feedback_stays(tmp_path):
    outbox = DeliveryQueue(tmp_path, 400)
    outbox.add("feedback", "sites", DAY, [LINE])
    dropped = [outbox.add("traffic", "sites", DAY, [LINE] * 3) for _ in range(20)]
    waiting = outbox.waiting()

    assert waiting[0].kind == "feedback"
    assert sum(batch.size_bytes for batch in waiting) <= 400
    assert sum(dropped) + sum(batch.rows for batch in waiting[1:]) == 60
    assert all(one.name < two.name for one, two in itertools.pairwise(waiting))


def test_feedback_that_finds_no_room_is_an_error(tmp_path):
    outbox = DeliveryQueue(tmp_path, 10)

    with pytest.raises(OSError, match="full"):
        outbox.add("feedback", "sites", DAY, [LINE])


@pytest.mark.parametrize("kind", ["traffic", "feedback"])
def test_a_batch_that_finds_no_room_costs_no_other_row(tmp_path, kind):
    outbox = DeliveryQueue(tmp_path, 400)
    outbox.add("feedback", "sites", DAY, [LINE])
    for _ in range(3):
        outbox.add("traffic", "sites", DAY, [LINE])
    before = outbox.waiting()
    incompressible = [os.urandom(400).hex()]

    with pytest.raises(OSError, match="full"):
        outbox.add(kind, "sites", DAY, incompressible)
    assert outbox.waiting() == before


def test_traffic_that_finds_no_room_is_counted_as_dropped(tmp_path, metrics, entry):
    traffic = TrafficLog(DeliveryQueue(tmp_path, 10), metrics, Traffic("inputs", 600.0))
    traffic.start()
    traffic.note(scored(entry, 5))
    traffic.stop(60)

    assert counted(metrics, "dropped") == 5
    assert not counted(metrics, "written")


def test_a_batch_is_closed_by_its_bytes_too(tmp_path, metrics):
    outbox = DeliveryQueue(tmp_path, 10**7)
    entry = in_production("urls", onnx_graphs.text_classifier(), **TEXT)
    url = f"http://a.example/{'a' * 60_000}"
    traffic = TrafficLog(outbox, metrics, Traffic("inputs", 600.0))
    traffic.start()
    traffic.note(scored(entry, 300, items=[{"url": url}] * 300))
    traffic.stop(60)
    batches = outbox.waiting()

    assert sum(batch.rows for batch in batches) == 300
    assert max(sum(map(len, lines_in(batch))) for batch in batches) < 5 * 1024 * 1024


def test_files_of_others_in_the_folder_are_left_alone(outbox, tmp_path):
    outbox.add("traffic", "sites", DAY, [LINE])
    strange = tmp_path / "outbox" / "notes.txt"
    strange.write_text("mine")
    outbox.send(Bucket())

    assert strange.read_text() == "mine"


def test_notes_beyond_the_queue_are_dropped_and_counted(outbox, metrics, entry):
    traffic = TrafficLog(outbox, metrics, Traffic("inputs", 600.0))
    for _ in range(3):
        traffic.note(scored(entry, 9_000))

    assert counted(metrics, "dropped") == 9_000
    traffic.start()
    traffic.stop(60)
    assert sum(batch.rows for batch in outbox.waiting()) == 18_000
    assert counted(metrics, "written") == 18_000


def test_all_that_was_noted_is_on_disk_after_the_stop(outbox, metrics, entry):
    traffic = TrafficLog(outbox, metrics, Traffic("inputs", 600.0))
    traffic.start()
    asked = [scored(entry, numbers=None) for _ in range(500)]
    for one in asked:
        traffic.note(one)
    traffic.stop(60)
    kept = [json.loads(line)["id"] for batch in outbox.waiting() for line in lines_in(batch)]

    assert kept == [one.id for one in asked]


@pytest.mark.parametrize("content", ["off", "hash", "inputs"])
def test_probabilities_are_counted_whatever_is_kept(outbox, metrics, entry, content):
    traffic = TrafficLog(outbox, metrics, Traffic(content, 600.0, hash_key=KEY))
    traffic.start()
    traffic.note(scored(entry, 4, probabilities=[0.0, 0.3, 0.995, 1.0]))
    traffic.stop(60)

    def up_to(bound):
        labels = {"pipeline": "sites", "le": str(bound)}
        return metrics._registry.get_sample_value("nightcatch_probability_bucket", labels)

    assert [up_to(bound) for bound in (0.01, 0.3, 0.99, 1.0, "+Inf")] == [1, 2, 2, 4, 4]
    assert metrics._registry.get_sample_value(
        "nightcatch_probability_sum", {"pipeline": "sites"}
    ) == pytest.approx(2.295)  # fmt: skip
    assert bool(outbox.waiting()) == (content != "off")


def test_a_disk_that_takes_nothing_costs_lines_and_not_the_service(tmp_path, metrics, entry):
    (tmp_path / "file").write_text("no folder")
    traffic = TrafficLog(DeliveryQueue(tmp_path / "file", 1000), metrics, Traffic("inputs", 600.0))
    traffic.start()
    traffic.note(scored(entry))
    traffic.stop(60)

    assert counted(metrics, "dropped") == 1


def test_an_outage_is_logged_once_and_its_end_too(outbox, metrics, caplog):
    caplog.set_level("INFO")
    sender = Sender(outbox, Bucket(fails=5), metrics, 600.0)
    outbox.add("traffic", "sites", DAY, [LINE])
    sent = [sender.send() for _ in range(7)]

    assert sent == [False] * 5 + [True] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert counted(metrics, "sent") == 1


def test_metrics_grow_with_pipelines_and_not_with_versions(entry):
    """Two hundred swaps leave as many series as one."""
    still_open = following("sites", onnx_graphs.logistic())
    client = app_of({"sites": still_open}).test_client()

    def n_series_after(number):
        pointer = replace(entry.pointer, version=version_name(number), serial=number)
        still_open.in_production = replace(entry, pointer=pointer)
        assert client.post("/predict", json={"record": {"a": 1, "b": 1}}).status_code == 200
        return len(client.get("/metrics").text.splitlines())

    n_series_after(1)
    series = {n_series_after(number) for number in range(2, 202)}

    assert len(series) == 1

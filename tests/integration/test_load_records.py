"""Records go into a real MongoDB once, however often, in whatever company, and through any kill."""

import multiprocessing
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pymongo
import pytest
from pymongo.errors import BulkWriteError

from include import pipelines
from include.contract.schema import InputField, Target
from include.errors import DataRejectedError, SettingMissingError, StoreUnavailableError
from include.ingest.files.download import Address, Dataset
from include.ingest.files.layout import Identity, Layout
from include.ingest.files.reader import Row, read_records
from include.ingest.files.text_lines import BadLine
from include.ingest.labels.batches import LoadReport, load_records
from include.ingest.labels.documents import Source
from include.ingest.load import load_dataset
from include.stack.mongo import MongoServer

LAYOUT = Layout(
    (InputField("a", "int8", (-1, 1)), InputField("b", "int8", (-1, 1))), Target("Result", -1, 1)
)
FILE = Source("file.csv")


def simulate(n_records, seed):
    return ({"a": seed, "b": number, "Result": 1} for number in range(n_records))


SMALL = SimpleNamespace(
    name="small",
    layout=LAYOUT,
    datasets=(Dataset("small-set", ("small.csv",), (), "0" * 64),),
    simulate=simulate,
)


@pytest.fixture
def collection(mongo_url):
    with pymongo.MongoClient(mongo_url) as client:
        database = client[f"load_{uuid.uuid4().hex}"]
        yield database["records"]
        client.drop_database(database)


def rows(*records):
    return [Row(line, record) for line, record in enumerate(records, start=2)]


def numbered(n_rows):
    """Every third record is the exact duplicate of another one."""
    return rows(*({"a": 1, "b": n - (n % 3 == 1), "Result": 1} for n in range(n_rows)))


def documents(collection):
    return sorted(collection.find(), key=lambda document: document["_id"])


def test_documents_hold_int32_columns_and_where_they_came_from(collection):
    load_records(collection, rows({"a": -1, "b": 1, "Result": -1}), FILE)

    (document,) = collection.find()
    assert document.pop("_id") == "761929b6346d742c0ee3c840-1"
    assert document == {"a": -1, "b": 1, "Result": -1, "loaded_from": "file.csv"}
    for column in ("a", "b", "Result"):
        assert collection.count_documents({column: {"$type": "int"}}) == 1


def test_loading_twice_changes_nothing(collection):
    first = load_records(collection, numbered(1000), FILE, batch_rows=64)
    before = documents(collection)
    second = load_records(collection, numbered(1000), Source("again.csv"), batch_rows=999)

    assert first == LoadReport(FILE, 1000, 1000, 0, 0, ())
    assert second == LoadReport(Source("again.csv"), 1000, 0, 1000, 0, ())
    assert documents(collection) == before


def test_exact_duplicates_of_one_file_stay_separate_records(collection):
    duplicate = {"a": 1, "b": 1, "Result": 1}

    load_records(collection, rows(duplicate, {"a": -1}, duplicate, duplicate), FILE)

    ids = [document["_id"] for document in collection.find(duplicate)]
    assert len({name.split("-")[0] for name in ids}) == 1
    assert sorted(name.split("-")[1] for name in ids) == ["1", "2", "3"]


def test_files_that_overlap_are_merged(collection):
    one, other, third = ({"a": 1, "b": n} for n in range(3))
    load_records(collection, rows(one, one, other), FILE)

    report = load_records(collection, rows(third, one, one, one), Source("more.csv"))

    assert (report.n_inserted, report.n_unchanged) == (2, 2)
    assert [collection.count_documents(record) for record in (one, other, third)] == [3, 1, 1]


def test_a_record_corrected_by_hand_is_not_overwritten(collection):
    load_records(collection, rows({"a": 7}), FILE)
    collection.update_one({}, {"$set": {"a": 1}})

    report = load_records(collection, rows({"a": 7}), FILE)

    assert report.n_unchanged == 1
    assert [document["a"] for document in collection.find()] == [1]


def test_a_column_of_the_pipeline_may_be_called_source(collection):
    load_records(collection, rows({"url": "http://a.example", "source": "feed"}), FILE)

    (document,) = collection.find()
    assert (document["source"], document["loaded_from"]) == ("feed", "file.csv")


def test_bad_lines_are_counted_and_the_first_hundred_named(collection):
    bad = [BadLine(line, "why") for line in range(2, 252)]

    report = load_records(collection, [*bad, Row(252, {"a": 1})], FILE)

    assert (report.n_read, report.n_bad, report.n_inserted, report.n_unchanged) == (251, 250, 1, 0)
    assert report.bad_lines == tuple(bad[:100])


def test_progress_names_the_lines_read_after_each_batch(collection):
    seen = []

    load_records(collection, numbered(25), FILE, batch_rows=10, progress=seen.append)

    assert seen == [10, 20, 25]


@pytest.mark.parametrize(
    ("nothing", "message"),
    [([], "among 0 lines$"), ([BadLine(2, "why")], "among 1 lines; line 2: why$")],
    ids=["header_only", "all_bad"],
)
def test_a_source_without_records_is_refused_and_touches_nothing(collection, nothing, message):
    load_records(collection, rows({"a": 1}), Source("synthetic", simulated=True))

    with pytest.raises(DataRejectedError, match=rf"^file\.csv: no records {message}"):
        load_records(collection, nothing, FILE)

    assert collection.count_documents({}) == 1


def test_real_records_replace_simulated_ones(collection):
    load_records(collection, numbered(30), Source("synthetic", simulated=True))
    assert collection.count_documents({"simulated": True}) == 30

    report = load_records(collection, numbered(20), FILE)

    assert (report.n_replaced, report.n_inserted) == (30, 20)
    assert collection.count_documents({"simulated": {"$exists": True}}) == 0


def test_simulated_records_never_join_real_ones(collection):
    collection.insert_one({"a": 1})  # by somebody else's program

    with pytest.raises(DataRejectedError, match="records: holds real records"):
        load_records(collection, numbered(5), Source("synthetic", simulated=True))

    assert collection.count_documents({}) == 1


def test_loads_at_the_same_time_end_as_one(collection):
    reports = []
    threads = [
        threading.Thread(
            target=lambda: reports.append(
                load_records(collection, numbered(2000), FILE, batch_rows=100)
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.n_inserted for report in reports) == 2000
    assert {report.n_inserted + report.n_unchanged for report in reports} == {2000}
    assert collection.count_documents({}) == 2000


def _load_until_killed(url, database, path, pipe):
    with pymongo.MongoClient(url) as client:
        load_records(
            client[database]["records"],
            read_records(path, LAYOUT),
            Source(path.name),
            batch_rows=50,
            progress=lambda n_read: (pipe.send(n_read), pipe.recv()) if n_read >= 500 else None,
        )


def test_a_load_killed_in_the_middle_is_completed_by_the_next(collection, mongo_url, tmp_path):
    path = tmp_path / "file.csv"
    lines = [f"{row.record['a']},{row.record['b']},1\n" for row in numbered(3000)]
    path.write_text("a,b,Result\n" + "".join(lines))
    ours, theirs = multiprocessing.Pipe()
    killed = multiprocessing.get_context("spawn").Process(
        target=_load_until_killed, args=(mongo_url, collection.database.name, path, theirs)
    )
    killed.start()
    assert ours.recv() == 500
    killed.kill()
    killed.join()
    assert collection.count_documents({}) == 500

    report = load_records(collection, read_records(path, LAYOUT), Source(path.name))
    resumed = documents(collection)
    collection.drop()
    load_records(collection, read_records(path, LAYOUT), Source(path.name))

    assert (report.n_inserted, report.n_unchanged) == (2500, 500)
    assert resumed == documents(collection)


def test_a_server_that_dies_is_a_passing_fault_and_the_load_is_resumed(tmp_path):
    server = MongoServer(tmp_path)
    server.start()
    with pymongo.MongoClient(server.url, serverSelectionTimeoutMS=5_000) as client:
        collection = client["load"]["records"]
        with pytest.raises(StoreUnavailableError, match=r"MongoDB, load\.records: "):
            load_records(
                collection,
                numbered(300),
                FILE,
                batch_rows=100,
                progress=lambda n_read: server.kill() if n_read == 200 else None,
            )
        server.start()
        try:
            with pymongo.MongoClient(server.url) as again:
                report = load_records(again["load"]["records"], numbered(300), FILE)
        finally:
            server.kill()

    assert (report.n_inserted, report.n_unchanged) == (100, 200)


def test_a_rule_of_the_database_is_not_hidden(collection):
    collection.database.create_collection("records", validator={"a": {"$gte": 0}})

    with pytest.raises(BulkWriteError):
        load_records(collection, rows({"a": -1}), FILE)


class TestRecordsOfAnIdentity:
    """Records with a key of their own: one document each, from its earliest report."""

    IDENTITY = Identity(("name", "Result"), lambda record: str(record["name"]).lower(), "seen")

    @pytest.fixture
    def load(self, collection):
        def load(*records, source=FILE):
            return load_records(collection, rows(*records), source, identity=self.IDENTITY)

        return load

    def test_the_same_thing_is_stored_once_whatever_the_file(self, load, collection):
        first = load({"name": "A"}, {"name": "b"}, {"name": "a"})
        second = load({"name": "a"}, {"name": "c"}, source=Source("other.csv"))

        assert (first.n_inserted, first.n_unchanged) == (2, 1)
        assert (second.n_inserted, second.n_unchanged, second.n_earlier) == (1, 1, 0)
        assert sorted(found["name"] for found in collection.find()) == ["A", "b", "c"]

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_the_earliest_report_stays_whatever_comes_first(self, load, collection, order):
        reports = [
            {"name": "a", "by": day, "seen": datetime(2025, 1, day, tzinfo=UTC)}
            for day in (3, 1, 2)
        ]
        for place in order:
            load(reports[place], source=Source(f"{place}.csv"))
        load({"name": "a", "by": "nobody"})

        (document,) = collection.find({}, {"_id": False})
        assert document == {
            "name": "a",
            "by": 1,
            "seen": datetime(2025, 1, 1),  # as MongoDB's client gives it back
            "loaded_from": "1.csv",
        }

    def test_the_earliest_report_within_one_file_stays(self, load, collection):
        days = [datetime(2025, 1, day, tzinfo=UTC) for day in (2, 1, 3)]

        report = load(*({"name": "a", "seen": day} for day in days))

        assert (report.n_inserted, report.n_unchanged, report.n_earlier) == (1, 2, 1)
        assert collection.find_one()["seen"].day == 1

    def test_a_dated_report_takes_the_place_of_an_undated_one(self, load, collection):
        load({"name": "a", "by": "nobody"})

        report = load({"name": "a", "by": "feed", "seen": datetime(2025, 1, 1, tzinfo=UTC)})

        assert report.n_earlier == 1
        assert collection.find_one()["by"] == "feed"

    @pytest.mark.parametrize("year", [1, 1970])
    def test_a_nonsense_date_never_replaces_a_good_one_but_is_replaced(
        self, load, collection, year
    ):
        good, nonsense = datetime(2025, 1, 1, tzinfo=UTC), datetime(year, 1, 2, tzinfo=UTC)
        load({"name": "a", "seen": good})
        load({"name": "a", "seen": nonsense})
        assert collection.find_one()["seen"].year == 2025

        collection.update_one({}, {"$set": {"seen": nonsense}})
        load({"name": "a", "seen": good})
        assert collection.find_one()["seen"].year == 2025

    def test_loads_at_the_same_time_end_with_the_earliest(self, load, collection):
        def one(day):
            seen = datetime(2025, 1, day, tzinfo=UTC)
            load(*({"name": f"{n}", "seen": seen} for n in range(300)))

        threads = [threading.Thread(target=one, args=(day,)) for day in (4, 2, 3, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert {document["seen"].day for document in collection.find()} == {1}
        assert collection.count_documents({}) == 300


class TestCodingOfLabels:
    """Files whose numbers may mean the opposite: stated, noticed, and never mixed in silence."""

    @pytest.fixture
    def load(self, collection, tmp_path):
        urls = pipelines.get("urls")

        def load(name, lines, **options):
            path = tmp_path / name
            path.write_text("url,label\n" + "".join(f"{line}\n" for line in lines))
            return load_dataset(collection, urls, path=path, cache_dir=tmp_path, **options)

        return load

    URLS = tuple(f"http://host{n}.example/" for n in range(20))

    def lines(self, phishing, legitimate, urls=URLS):
        return [f"{url},{(legitimate, phishing)[n % 2]}" for n, url in enumerate(urls)]

    def test_numbers_are_said_to_be_taken_for_something(self, load):
        (note,) = load("one.csv", self.lines(1, 0)).notes

        assert "0 for legitimate, 1 for phishing" in note
        assert "inverted" in note

    def test_words_need_no_note(self, load):
        assert load("one.csv", self.lines("phishing", "legitimate")).notes == ()

    def test_an_inverted_coding_is_turned_round_and_words_are_not(self, load, collection):
        load("one.csv", self.lines(0, 1), coding="inverted")
        report = load("two.csv", self.lines("phishing", "legitimate"), coding="inverted")

        assert report.n_unchanged == 20
        assert collection.count_documents({"label": 1}) == 10

    def test_a_file_that_contradicts_what_is_stored_is_refused_whole(self, load, collection):
        load("one.csv", self.lines("phishing", "legitimate"))

        with pytest.raises(DataRejectedError, match=r"20 of 20 .*'inverted'"):
            load("two.csv", [*self.lines(0, 1), "http://new.example/,1"])

        assert collection.count_documents({}) == 20
        assert load("two.csv", self.lines(0, 1), coding="inverted").n_unchanged == 20
        assert load("two.csv", self.lines(0, 1), coding="documented").n_inserted == 20

    def test_a_few_contradictions_are_noted(self, load):
        load("one.csv", self.lines("phishing", "legitimate"))

        report = load("two.csv", [*self.lines(1, 0)[:10], *self.lines(0, 1)[10:]])

        assert report.n_inserted == 10
        assert any("10 of 20" in note for note in report.notes)

    def test_dates_that_are_lost_are_noted(self, load, tmp_path, collection):
        path = tmp_path / "dated.csv"
        path.write_text("url,label,date\nhttp://a.example/,phishing,yesterday\n")

        report = load_dataset(collection, pipelines.get("urls"), path=path, cache_dir=tmp_path)

        assert report.n_inserted == 1
        assert any("'yesterday'" in note for note in report.notes)

    def test_sites_are_compared_too(self, collection, tmp_path):
        sites = pipelines.get("sites")
        columns = ",".join(sites.layout.dtypes)
        for name, turned in (("one.csv", 1), ("two.csv", -1)):
            rows = [f"{n % 3 - 1}," * 29 + f"{n % 2},{turned * (1 - n % 2 * 2)}" for n in range(6)]
            (tmp_path / name).write_text("\n".join([columns, *rows]))
        load_dataset(collection, sites, path=tmp_path / "one.csv", cache_dir=tmp_path)

        with pytest.raises(DataRejectedError, match="6 of 6"):
            load_dataset(collection, sites, path=tmp_path / "two.csv", cache_dir=tmp_path)


class TestLoadDataset:
    @pytest.fixture
    def load(self, collection, tmp_path):
        def load(**options):
            return load_dataset(collection, SMALL, cache_dir=tmp_path / "cache", **options)

        return load

    def test_a_named_file_is_loaded(self, load, tmp_path):
        path = tmp_path / "mine.csv"
        path.write_text("a,b,Result\n1,1,1\n1,x,1\n")

        report = load(path=path)

        assert report.source == Source("mine.csv")
        assert report.bad_lines == (BadLine(3, "b: 'x' is not a whole number"),)

    def test_a_label_that_is_given_stands_in_every_record(self, load, tmp_path, collection):
        path = tmp_path / "mine.csv"
        path.write_text("a,b\n1,1\n")

        load(path=path, label="phishing")

        assert [document["Result"] for document in collection.find()] == [-1]

    def test_a_label_is_one_of_the_two(self, load, tmp_path):
        with pytest.raises(SettingMissingError, match="label 'bad'"):
            load(path=tmp_path / "mine.csv", label="bad")

    def test_the_public_set_is_looked_for_in_the_data_directory(self, load, tmp_path):
        (tmp_path / "small.csv").write_text("a,b,Result\n1,1,1\n")

        report = load(data_dir=tmp_path)

        assert report.source == Source("small.csv")

    def test_records_are_simulated_when_nothing_can_be_had(self, load, collection):
        report = load(n_simulated=7, seed=3)

        assert report == LoadReport(
            Source("simulated small, seed 3", simulated=True), 7, 7, 0, 0, ()
        )
        assert collection.count_documents({"simulated": True, "a": 3}) == 7

    def test_a_source_that_fails_is_noted_and_records_are_simulated(self, collection, tmp_path):
        closed = Address("http://127.0.0.1:9/none.csv")
        absent = SimpleNamespace(**vars(SMALL) | {"datasets": (Dataset("set", (), (closed,)),)})

        report = load_dataset(collection, absent, cache_dir=tmp_path, n_simulated=3)

        assert (report.source.simulated, report.n_inserted) == (True, 3)
        assert "http://127.0.0.1:9/none.csv" in report.notes[0]
        assert "NIGHTCATCH_DATA_DIR" in report.notes[-1]

    def test_records_are_simulated_on_request_beside_a_file(self, load, tmp_path):
        (tmp_path / "small.csv").write_text("a,b,Result\n1,1,1\n")

        report = load(data_dir=tmp_path, simulated=True, n_simulated=5)

        assert report.source.simulated
        assert report.n_inserted == 5


def test_the_real_file_keeps_each_row_and_each_duplicate(collection, data_dir: Path):
    from include.pipelines.sites.records import LAYOUT as SITES

    path = data_dir / "phishing_websites.csv"
    report = load_records(collection, read_records(path, SITES), Source(path.name))

    lines = path.read_text().split()[1:]
    assert (report.n_read, report.n_inserted, report.n_bad) == (len(lines), len(lines), 0)
    stored = [
        ",".join(str(document[column]) for column in SITES.dtypes) for document in collection.find()
    ]
    assert sorted(stored) == sorted(lines)

"""A release on live traffic in a real bucket: taken back once, for a reason, whatever is killed."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from include import pipelines
from include.contract import keys
from include.contract.pointer import GATE, WATCHER, Pointer
from include.errors import (
    ApprovalHeldError,
    PointerError,
    PromotionConflictError,
    StoreUnavailableError,
)
from include.notify.delivery.receivers import WebhookReceiver
from include.notify.open_alerts import notify_changes
from include.notify.release_kinds import release_causes
from include.registry.approve import approve, production_pointer, read_history
from include.registry.lists import ListChange, change_list, list_entry
from include.registry.retention.sweep import clear
from include.run.release.limits import ReleaseLimits
from include.run.release.watch import watch_release
from include.run.rollback import reinstate, was_in_production
from include.run.run_context import RunContext
from include.run.steps.promotion import needs_person
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.receivers import http_receiver
from tests.support.signed_versions import (
    Signer,
    Version,
    promote,
    publish,
    request,
    url_version,
    version_name,
)
from tests.support.traffic_days import Watched, numbered_id

URLS, SITES = pipelines.get("urls"), pipelines.get("sites")
DAY = "2026-11-22"
BEFORE, APPROVED, NOW = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (2, 6, 13))
ACT = ReleaseLimits(mode="act")
BAD, NEW, FINE = (
    [f"http://{kind}{number}.example/a" for number in range(150)] for kind in ("bad", "new", "fine")
)


@dataclass
class Live:
    """A bucket with version 1, and version 2 that the gate approved after it."""

    client: object
    traffic: Watched

    @property
    def store(self):
        return self.traffic.store

    @property
    def history(self):
        return list(read_history(self.store, "urls", self.traffic.approver.trusted))

    def publish(self, number, flagged):
        publish(self.store, url_version(number, flagged), self.traffic.trainer)

    def approve(self, number, by="ann", at=NOW, run_id=None, **fields):
        asked = request(version_name(number), run_id=run_id or f"run-{number}", pipeline="urls")
        asked = replace(asked, approved_by=by, approved_at=at.isoformat(), **fields)
        return approve(self.store, asked, self.traffic.approver.key, self.traffic.approver.trusted)

    def release(self, flagged):
        """Version 1 flags the bad sites, and version 2, approved by the gate, these."""
        self.publish(1, BAD)
        self.publish(2, flagged)
        self.approve(1, at=BEFORE)
        self.traffic.pointer = self.approve(2, by=GATE, at=APPROVED)
        self.traffic.manifest = url_version(2, flagged).manifest()

    def score(self, urls, **how):
        return self.traffic.score([{"url": url} for url in urls], [0.1] * len(urls), **how)

    def watch(self, limits=ACT, now=NOW):
        key, trusted = self.traffic.approver.key, self.traffic.trusted_keys
        return watch_release(self.store, URLS, limits, key, trusted, now)


@pytest.fixture
def live(s3, module_bucket, tmp_path):
    client = s3.client()
    store = ObjectStore(client, module_bucket)
    signers = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    yield Live(client, Watched(store, URLS, *signers, tmp_path))
    for prefix in ("models/", "traffic/", "feedback/", "lists/", "monitoring/", "alerts/"):
        clear(store, prefix)


def test_a_release_that_doubles_alerts_is_taken_back_once_and_the_next_one_waits(live):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE, *BAD])
    first, again = live.watch(), live.watch(now=NOW + timedelta(minutes=15))

    assert (first.was_taken_back, again.was_taken_back) == (True, False)
    assert first.figures.alerts == (150, 150, 0)
    last = live.history[-1]
    assert [each.version for each in live.history] == [version_name(n) for n in (1, 2, 1)]
    assert (last.serial, last.approved_by, last.run_id) == (3, WATCHER, "watch_release__2")
    assert last.reason.startswith(f"took back {version_name(2)}: it raises at least 1.")
    assert "(300 in place of 150), and 1.5 times are allowed" in last.reason

    with pytest.raises(PointerError, match="name the version"):
        was_in_production(live.store, "urls", live.traffic.trusted_keys)

    live.publish(3, BAD)
    live.publish(4, BAD)
    run = RunContext(live.store, URLS, "run-3")
    assert needs_person(run, live.traffic.trusted_keys)
    with pytest.raises(ApprovalHeldError, match="needs a person's approval"):
        live.approve(3, by=GATE)
    assert len(live.history) == 3
    assert live.approve(3).serial == 4
    assert not needs_person(run, live.traffic.trusted_keys)
    target = was_in_production(live.store, "urls", live.traffic.trusted_keys)
    assert target.version == version_name(1)
    assert live.approve(4, by=GATE).serial == 5, "a person has approved since"


def test_people_hear_of_it_once_and_when_a_person_has_approved(live):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE])
    with http_receiver("/services/x") as hook:
        for minutes in (0, 15, 30):
            if minutes == 30:
                live.approve(1, run_id="looked")
            now = NOW + timedelta(minutes=minutes)
            found = live.watch(now=now)
            causes = release_causes(found.in_production, found.broken, "http://ui/models/urls")
            open_alerts = notify_changes(
                live.store, [WebhookReceiver(hook.url)], causes,
                runbook_url="docs/runbook.md", now=now, key=keys.open_release_alerts("urls"),
            )  # fmt: skip
        begins, ends = hook.texts

    assert begins.startswith("*Release taken back: urls*")
    assert "1.5 times are allowed" in begins
    assert "#release-taken-back" in begins
    assert ends.startswith("*Release taken back: urls: over*")
    assert open_alerts == {}


class Killed(StoreUnavailableError):
    """The process ends here."""


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_a_look_that_is_killed_at_any_write_is_made_up_for_by_the_next(live, when):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE])
    kept = {key: live.store.get(key) for key in live.store.keys_under("")}
    name, left, written = f"{when}.s3.PutObject", [0], []

    def kill(**_):
        written.append(1)
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    live.client.meta.events.register(name, kill)
    live.watch()
    n_writes, end = len(written), [each.version for each in live.history]
    for at in range(1, n_writes + 1):
        for prefix in ("models/", "monitoring/"):
            clear(live.store, prefix)
        for key, body in kept.items():
            live.store.put(key, body)
        left[0] = at
        with pytest.raises(Killed):
            live.watch()
        live.watch(now=NOW + timedelta(minutes=15))

        assert [each.version for each in live.history] == end, at
        assert [each.serial for each in live.history] == [1, 2, 3]
        assert production_pointer(live.store, "urls", live.traffic.approver.trusted).serial == 3
    assert n_writes >= 4


def test_a_version_that_flags_known_sites_is_taken_back_and_later_reports_do_not_count(live):
    allowed, reviewed, later = ([f"http://{kind}{n}.example/" for n in range(9)]
                                for kind in ("allowed", "reviewed", "later"))  # fmt: skip
    live.release([*BAD, *allowed, *reviewed[:4], *later])
    said = live.score(reviewed, day="2026-11-21")
    live.traffic.feed_back([(each, "Legitimate") for each in said], day="2026-11-21")
    live.score([*BAD, *FINE, *later])
    live.traffic.feed_back([(each, "Legitimate") for each in live.score(later)])
    for host, at in [(allowed, BEFORE), (later, NOW)]:
        entries = tuple(
            list_entry("allow", "url", url, reason="ours", author="ann", added_at=at.isoformat())
            for url in host
        )
        change = ListChange("urls", "ann", at.isoformat(), "ours", f"list-{at}", add=entries)
        change_list(live.store, change, live.traffic.approver.key, live.traffic.approver.trusted)
    calm = live.watch()
    live.score(allowed)
    found = live.watch()

    assert (calm.broken, calm.figures.reviewed, calm.figures.allowed) == ((), (0, 4, 0), (0, 0, 0))
    assert found.was_taken_back
    assert found.figures.legitimate == (0, 13, 0)
    assert "allowed or reviewed as legitimate" in live.history[-1].reason


def test_what_a_person_decides_stays(live):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE])
    advised = live.watch(ReleaseLimits())
    causes = release_causes(advised.in_production, advised.broken, "")
    assert "stays in production, and it raises at least 1." in causes[0].sentence
    assert not live.watch(replace(ACT, mode="off")).broken
    assert not live.watch(now=NOW + timedelta(days=3)).broken
    assert len(live.history) == 2

    live.watch()
    live.approve(2, run_id="all-the-same", at=APPROVED)
    again = live.watch()
    assert again.broken
    assert not again.was_taken_back
    asked = replace(request(version_name(1), run_id="back", pipeline="urls"), reason="no")
    reinstate(live.store, asked, live.traffic.approver.key, live.traffic.trusted_keys)
    assert live.watch().figures is None
    assert len(live.history) == 5


def test_a_person_who_is_first_wins(live):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE])
    live.publish(3, BAD)
    waiting = [lambda: live.approve(3, run_id="first")]

    def handler(params, **_):
        if params["url_path"].endswith("approved.json") and waiting:
            waiting.pop()()

    live.client.meta.events.register("before-call.s3.PutObject", handler)
    found = live.watch()

    assert (found.was_taken_back, found.in_production.run_id) == (False, "first")
    assert [each.version for each in live.history] == [version_name(n) for n in (1, 2, 3)]


@pytest.mark.parametrize("n_racers", [8, pytest.param(32, marks=pytest.mark.heavy)])
def test_watchers_people_and_the_nightly_run_at_once_have_one_winner(live, n_racers):
    live.release([*BAD, *NEW])
    live.score([*BAD, *NEW, *FINE])
    live.publish(3, BAD)
    a_watcher_is_ready = Event()

    def handler(params, **_):
        if "approving/" in params["url_path"]:
            a_watcher_is_ready.set()

    live.client.meta.events.register("before-call.s3.PutObject", handler)

    def decide(number):
        if number % 4 == 1:
            return live.watch()
        assert a_watcher_is_ready.wait(300)
        expected = {"run_id": f"racer-{number}", "expected_serial": 2}
        with suppress(PromotionConflictError, ApprovalHeldError):
            if number % 4 == 3:
                asked = request(version_name(1), pipeline="urls", **expected)
                key, trusted = live.traffic.approver.key, live.traffic.trusted_keys
                return reinstate(live.store, asked, key, trusted)
            return live.approve(3, by=GATE if number % 4 else "ann", **expected)
        return None

    with ThreadPoolExecutor(n_racers) as threads:
        ended = list(threads.map(decide, range(n_racers)))

    last = live.history[-1]
    assert [each.serial for each in live.history] == [1, 2, 3]
    winners = {each.run_id for each in ended if isinstance(each, Pointer)}
    winners |= {each.in_production.run_id for each in ended if getattr(each, "was_taken_back", 0)}
    assert winners == {last.run_id}
    assert production_pointer(live.store, "urls", live.traffic.approver.trusted) == last


def test_records_with_missing_values_are_compared(live):
    names = [field.name for field in SITES.inputs]
    for number, weights in ((1, (4.0,) + 29 * (0.0,)), (2, (4.0, 8.0) + 28 * (0.0,))):
        files = {"model.onnx": onnx_graphs.logistic(weights)}
        version = Version(version_name(number), files, inputs=SITES.inputs)
        live.traffic.pointer = promote(
            live.store, version, live.traffic.trainer, live.traffic.approver, run_id=f"r{number}"
        )
        live.traffic.manifest = version.manifest()
    values = [(-1 + 2 * (n % 2), 1, None, *(-1 + 2 * (n >> b & 1) for b in range(27)))
              for n in range(400)]  # fmt: skip
    records = [dict(zip(names, each, strict=True)) for each in values]
    live.traffic.pipeline = SITES
    ids = [numbered_id(DAY, number) for number in range(400)]
    live.traffic.score(records, [0.5] * 400, ids=ids)
    found = watch_release(
        *(live.store, SITES, ACT, live.traffic.approver.key, live.traffic.trusted_keys, NOW)
    )

    assert found.figures.alerts == (200, 200, 0)
    assert found.in_production.version == version_name(1)


def test_the_first_sites_are_compared_and_no_more(live):
    few = replace(ACT, max_items=100)
    live.release([*BAD, *NEW])
    live.score(FINE)
    first = live.watch(few)
    live.score([*BAD, *NEW])
    again, all_of_them = live.watch(few), live.watch()

    assert again.figures == first.figures
    assert (first.figures.n_items, first.figures.alerts) == (100, (0, 0, 0))
    assert all_of_them.was_taken_back


def test_a_release_that_flags_the_same_sites_is_left_alone(live):
    live.release(BAD)
    live.score([*BAD, *NEW, *FINE])
    found = live.watch()

    assert (found.broken, found.figures.alerts, found.figures.n_items) == ((), (150, 0, 0), 450)
    assert len(live.history) == 2

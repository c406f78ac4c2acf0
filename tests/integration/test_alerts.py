"""Alerts and events with a real bucket and real receivers: once, later, and in nobody's way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from include import pipelines
from include.contract import keys
from include.contract.approval_response import ApprovalResponse
from include.contract.run_documents import (
    DriftSummary,
    GateVerdict,
    GateVerdicts,
    PackagedVersion,
    SnapshotSummary,
    serialise,
)
from include.notify.checks import (
    check_scorers,
    old_models,
    production_pointers,
    stale_scorer,
)
from include.notify.decisions import send_decisions, send_rejection
from include.notify.delivery.queue import KEPT_FOR, send_queued
from include.notify.delivery.receivers import LogReceiver, WebhookReceiver
from include.notify.events import EventReceiver
from include.notify.failed_run import causes_of_failure, late_run
from include.notify.kinds import GateRejected, ModelOld, RunFailed, ScorerStale
from include.notify.open_alerts import forget_old, notify_changes, notify_once, read_open_alerts
from include.notify.scorers import Served, served_by
from include.notify.traffic_day import notify_day
from include.registry.approve import approve
from include.registry.follow.verify import TrustedKeys
from include.registry.responses import write_response
from include.stack.ports import pick_port
from include.stores.objects import ObjectStore
from tests.support.receivers import http_receiver
from tests.support.signed_versions import Signer, Version, promote, publish, request, version_name

NOW = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
RUN = "scheduled__2026-11-21T02:00:00+00:00"
SITES = pipelines.get("sites")
SECRET = "T0B0XXSECRET"
CAUSE = RunFailed("train_sites", RUN, {"choose": ""}, "")


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


@pytest.fixture
def away(s3):
    """A bucket that nobody serves."""
    return ObjectStore(
        boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{pick_port()}",
            region_name="us-east-1",
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key,
            config=Config(retries={"total_max_attempts": 1}),
        ),
        "nightcatch",
    )


@pytest.fixture
def hook():
    with http_receiver(f"/services/{SECRET}") as posts:
        yield posts


@pytest.fixture
def signer(tmp_path):
    return Signer.new(tmp_path, "signer")


@pytest.fixture
def trusted_keys(signer):
    return TrustedKeys(signer.trusted, signer.trusted, 1_000_000)


def notify(store, hook, cause=CAUSE, occasion=RUN):
    receivers = [LogReceiver(), WebhookReceiver(hook.url)]
    notify_once(store, receivers, cause, occasion, runbook_url="r", at=datetime.now(UTC))


def waiting(store):
    return list(store.keys_under(keys.unsent_prefix("webhook")))


def leave(store, *documents, run_id=RUN):
    for document in documents:
        store.put(keys.run_file("sites", run_id, document.NAME), serialise(document))


def verdict(rule, passed):
    return GateVerdict(rule, passed, f"{rule} is {passed}")


REJECTED = ApprovalResponse(
    "sites", RUN, version_name(1), False, "ann", NOW.isoformat(), "flags our page"
)
PACKAGED = PackagedVersion(version_name(1), "ab" * 32, 9)


def failed_in(*tasks):
    return RunFailed("train_sites", RUN, dict.fromkeys(tasks, "why"), "link")


def test_the_same_cause_is_told_once_for_each_run(store, hook):
    notify(store, hook)
    notify(store, hook)
    notify(store, hook, occasion="another run")

    assert len(hook.got) == 2


def test_a_webhook_that_is_down_is_told_later_and_nothing_fails(store, hook, caplog):
    hook.status = 503
    notify(store, hook)
    notify(store, hook)

    assert len(hook.got) == 1
    assert len(waiting(store)) == 1
    assert "webhook did not receive run_failed.train_sites" in caplog.text
    assert SECRET not in caplog.text

    receiver = WebhookReceiver(hook.url)
    assert send_queued(store, receiver, datetime.now(UTC)) == 0
    hook.status = 200
    assert send_queued(store, receiver, datetime.now(UTC)) == 1
    assert hook.texts[0] == hook.texts[-1]
    assert waiting(store) == []
    assert send_queued(store, receiver, datetime.now(UTC)) == 0


def test_a_message_that_is_refused_holds_up_no_other(store, hook):
    hook.status = 404
    notify(store, hook, occasion="a")
    notify(store, hook, occasion="b")
    asked = len(hook.got)
    send_queued(store, WebhookReceiver(hook.url), datetime.now(UTC))

    assert len(hook.got) == asked + 2
    assert len(waiting(store)) == 2


def test_a_receiver_that_is_away_is_asked_once_and_not_for_each_message(store, hook):
    hook.status = 503
    notify(store, hook, occasion="a")
    notify(store, hook, occasion="b")
    asked = len(hook.got)
    send_queued(store, WebhookReceiver(hook.url), datetime.now(UTC))

    assert len(hook.got) == asked + 1


def test_old_news_is_struck_out(store, hook, caplog):
    hook.status = 503
    notify(store, hook)
    hook.status = 200
    given = send_queued(store, WebhookReceiver(hook.url), datetime.now(UTC) + KEPT_FOR + DAY)

    assert given == 0
    assert waiting(store) == []
    assert "never received" in caplog.text


def test_with_s3_away_people_are_told_all_the_same(away, hook, caplog):
    notify(away, hook)
    hook.status = 503
    notify(away, hook)

    assert len(hook.got) == 2
    assert "is lost for webhook" in caplog.text


def test_what_was_told_is_forgotten_after_a_month(store, hook):
    notify(store, hook)
    forget_old(store, datetime.now(UTC) + 29 * DAY)
    assert len(list(store.keys_under(keys.sent_alerts_prefix()))) == 1

    forget_old(store, datetime.now(UTC) + 31 * DAY)
    assert list(store.keys_under(keys.sent_alerts_prefix())) == []


def test_a_state_is_told_when_it_begins_daily_and_when_it_ends(store, hook):
    old = ModelOld("sites", "v1", 9.0, 7.0, "link")
    stale = ScorerStale("scorer:8000", "It serves nothing", "link")
    receivers = [WebhookReceiver(hook.url)]

    def look(causes, now):
        notify_changes(store, receivers, causes, runbook_url="r", now=now)
        titles = [text.splitlines()[0].strip("*") for text in hook.texts]
        hook.got.clear()
        return titles

    quarter = timedelta(minutes=15)
    assert look([old], NOW) == ["Model old: sites"]
    assert look([old], NOW + quarter) == []
    assert look([old, stale], NOW + 2 * quarter) == ["Scorer stale: scorer:8000"]
    assert look([old, stale], NOW + DAY) == ["Model old: sites"]
    assert look([old, stale], NOW + DAY + quarter) == []
    assert read_open_alerts(store)["model_old.sites"].since == NOW.isoformat()
    assert look([old], NOW + DAY + quarter) == ["Scorer stale: scorer:8000: over"]
    assert look([], NOW + 2 * DAY) == ["Model old: sites: over"]
    assert look([], NOW + 3 * DAY) == []
    assert look([old], NOW + 4 * DAY) == ["Model old: sites"]


def findings(day, *, moved=False, broken=False, evaluated=True):
    """What `watch_day` finds of a day, as far as it is told of."""
    return {
        "pipeline": "sites",
        "day": day,
        "version": version_name(1),
        "findings": {
            "moved": {"port": 0.4} if moved else {},
            "slices": ["port 'open': 1.0% before, 40.0% now"] if moved else [],
            "rate": 0.05,
            "drift_evaluated": evaluated,
            "broken": ["Recall is low."] if broken else [],
            "quality_evaluated": evaluated,
        },
    }


def test_traffic_that_stays_beyond_a_limit_is_told_of_weekly_and_when_it_is_over(store, hook):
    receivers = [WebhookReceiver(hook.url)]

    def look(day, later=timedelta(), **found):
        hook.got.clear()
        now = NOW + day * DAY + later
        named = f"{now:%Y-%m-%d}"
        link = f"http://ui/{named}"
        notify_day(store, receivers, findings(named, **found), link, runbook_url="r", now=now)
        return sorted(text.splitlines()[0].strip("*") for text in hook.texts)

    drifted, low = "Traffic drifted: sites", "Quality below baseline: sites"
    # A look that tells begins later in its day than the one a week after.
    assert look(0, timedelta(minutes=9), moved=True) == [drifted]
    assert [look(day, moved=True, broken=day > 2) for day in range(1, 7)] == [
        [], [], [low], [], [], [],
    ]  # fmt: skip
    assert look(7, moved=True, broken=True) == [drifted]
    assert "Details: http://ui/2026-11-28" in hook.texts[0], "the page of the day that reminds"
    assert look(8, moved=True, broken=True) == []
    assert look(10, evaluated=False) == [], "a day that says nothing ends nothing"
    assert look(11, moved=True, broken=True) == [low]
    assert look(12, moved=True) == [f"{low}: over"]
    assert look(14, timedelta(minutes=5), moved=True) == [drifted]
    assert look(15) == [f"{drifted}: over"]
    assert look(30) == []


def test_a_gate_says_drift_apart_from_the_other_rules(store):
    verdicts = verdict("accuracy", False), verdict("drift", False), verdict("brier", True)
    columns = {"column": "a", "kl": 0.9, "psi": 2}, {"column": "b", "kl": 0.1, "psi": 0.2}
    limits = {"warn_kl": 0.05, "block_kl": 0.25}
    moved = DriftSummary("v0", columns, limits, 0.9, 2, (), ("a",), ())
    leave(store, GateVerdicts(verdicts), PACKAGED, moved)
    drift, gate = causes_of_failure(store, SITES, failed_in("gate"))

    assert drift.moved == {"a": 0.9}
    assert (drift.reference, drift.limit) == ("v0", 0.25)
    assert gate == GateRejected(
        "sites", RUN, version_name(1), ["accuracy is False"], n_rules=3, link="link"
    )


def test_a_no_of_a_person_is_no_alert(store):
    failed = replace(failed_in("approve"), reasons={"approve": "ApprovalRejectedError: sites: ann"})

    assert causes_of_failure(store, SITES, failed) == ()


@pytest.mark.parametrize("task", ["take_snapshot", "validate", "gate", "approve"])
def test_without_a_document_that_says_why_the_run_failed(store, away, task):
    failed = failed_in(task)

    assert causes_of_failure(store, SITES, failed) == (failed,)
    assert causes_of_failure(away, SITES, failed) == (failed,)


def test_a_late_run_says_how_far_it_came(store, away):
    def late(store):
        return late_run(store, "sites", "train_sites", RUN, NOW, NOW + 3 * DAY / 24, "")

    before = late(store)
    leave(store, SnapshotSummary("", 0, 0, ""))

    assert before.sentence == (
        f"Run {RUN} is not finished 180 minutes after it was queued; it has written nothing yet."
    )
    assert "it last wrote snapshot.json, " in late(store).sentence
    assert "because S3 is unavailable" in late(away).sentence


def test_a_model_is_old_from_its_limit_on(store, signer, trusted_keys):
    promote(store, Version(version_name(1)), signer, signer)  # trained on 2026-11-21 at 02:05:13
    pointers = production_pointers(store, pipelines.names(), trusted_keys)

    def old(days):
        now = NOW + timedelta(seconds=13) + timedelta(days=days)
        return list(old_models(store, pointers, trusted_keys, 7, now, {"sites": "link"}))

    assert list(pointers) == ["sites"]
    assert old(6.9) == []
    assert old(7.5) == [ModelOld("sites", version_name(1), 7.5, 7, "link")]


def stale(served, pointers, now, known=()):
    url = "http://scorer:8000"
    return [
        each.finding
        for each in stale_scorer(url, served, pointers, grace_s=300, known=known, now=now)
    ]


def test_a_scorer_is_stale_when_it_serves_less_than_what_is_in_production(
    store, signer, trusted_keys
):
    promote(store, Version(version_name(1)), signer, signer)
    pointer = promote(store, Version(version_name(2)), signer, signer, run_id="run-2")
    pointers = {"sites": pointer}  # approved at 02:06
    later, soon = NOW + timedelta(minutes=21), NOW + timedelta(minutes=3)
    finding = (
        f"The scorer at scorer:8000 serves serial 1 of sites, and serial 2 ({version_name(2)}) has "
        "been in production for 20 minutes"
    )

    assert stale(Served({"sites": 2}), pointers, later) == []
    assert stale(Served({"sites": 1}), pointers, later) == [finding]
    assert stale(Served({"sites": 1}), pointers, soon) == []
    assert len(stale(Served({"sites": 1}), pointers, soon, ["scorer_stale.scorer:8000 sites"])) == 1
    assert stale(Served(), pointers, later) == [], "it does not follow sites"
    (none,) = stale(Served(waiting=frozenset({"sites"})), pointers, later)
    assert "serves no version of sites" in none
    (gone,) = stale(Served(problem="cannot be reached: X"), {}, later)
    assert gone == "The scorer at scorer:8000 cannot be reached: X"


def test_a_scorer_that_is_none_or_away_is_said_so():
    with http_receiver() as posts:
        url = posts.url.removesuffix("/hook")
        assert served_by(url, pauses_s=()).problem == "returns no metrics of a scorer"
        posts.status = 503
        assert served_by(url, pauses_s=()).problem == "returns 503"
    away = served_by(f"http://127.0.0.1:{pick_port()}", pauses_s=(0.01,))

    assert away.problem == "cannot be reached: ConnectionRefusedError"


def test_what_is_stale_is_not_over_because_nobody_answers(store, hook, signer, trusted_keys):
    pointers = {"sites": promote(store, Version(version_name(1)), signer, signer)}
    with http_receiver() as posts:
        url = posts.url.removesuffix("/hook")
    address = url.removeprefix("http://")
    lags = ScorerStale(f"{address} sites", "It lags", "link")
    notify_changes(store, [WebhookReceiver(hook.url)], [lags], runbook_url="r", now=NOW)
    known = read_open_alerts(store)
    stale, unseen = check_scorers([url], pointers, grace_s=300, known=known, now=NOW)
    notify_changes(
        store, [WebhookReceiver(hook.url)], stale, runbook_url="r", now=NOW, unseen=unseen
    )

    assert [text.splitlines()[0] for text in hook.texts] == [
        f"*Scorer stale: {address} sites*",
        f"*Scorer stale: {address}*",
    ]


def kinds(posts):
    return [
        (event["type"].rpartition(".")[2], event["data"].get("serial")) for event in posts.documents
    ]


def test_each_decision_is_an_event_once_and_a_rollback_is_called_one(store, signer, hook):
    first, second = Version(version_name(1)), Version(version_name(2))
    receiver = EventReceiver(hook.url)

    def send():
        return send_decisions(store, receiver, "sites", signer.trusted)

    assert send() == 0
    promote(store, first, signer, signer)
    assert send() == 1
    promote(store, second, signer, signer, run_id="run-2")
    approve(store, request(first.name, run_id="run-3"), signer.key, signer.trusted)
    assert send() == 2
    assert send() == 0
    assert kinds(hook) == [("promoted", 1), ("promoted", 2), ("rolled_back", 3)]
    assert hook.documents[2]["data"]["previous_version"] == second.name


def test_an_event_that_could_not_be_sent_is_sent_later_as_it_was(store, signer, hook):
    receiver = EventReceiver(hook.url)
    promote(store, Version(version_name(1)), signer, signer)
    hook.status = 500
    send_decisions(store, receiver, "sites", signer.trusted)
    hook.status = 200
    send_queued(store, receiver, datetime.now(UTC))
    first, second = hook.got

    assert first[2] == second[2]
    assert send_decisions(store, receiver, "sites", signer.trusted) == 0


def test_what_was_decided_before_anybody_listened_is_not_told(store, signer, hook):
    promote(store, Version(version_name(1)), signer, signer)
    send_decisions(store, None, "sites", signer.trusted)
    promote(store, Version(version_name(2)), signer, signer, run_id="run-2")
    send_decisions(store, EventReceiver(hook.url), "sites", signer.trusted)

    assert kinds(hook) == [("promoted", 2)]


@pytest.mark.parametrize(
    ("verdicts", "response", "reasons"),
    [
        ([verdict("a", False), verdict("b", True)], None, ["a is False"]),
        ([verdict("a", True)], REJECTED, ["ann: flags our page"]),
    ],
    ids=["gate", "person"],
)
def test_a_rejection_is_an_event_with_its_reasons(store, signer, hook, verdicts, response, reasons):
    publish(store, Version(version_name(1)), signer)
    leave(store, PACKAGED, GateVerdicts(tuple(verdicts)))
    if response:
        write_response(store, response, signer.key)
    receiver = EventReceiver(hook.url)
    send_rejection(store, receiver, "sites", RUN, NOW.isoformat(), signer.trusted)
    (event,) = hook.documents

    assert event["type"] == "com.nightcatch.model.rejected"
    assert event["subject"] == version_name(1)
    assert event["data"]["reasons"] == reasons


def test_a_run_that_failed_before_the_gate_rejected_nothing(store, signer, hook):
    receiver = EventReceiver(hook.url)
    send_rejection(store, receiver, "sites", RUN, NOW.isoformat(), signer.trusted)

    assert hook.got == []

"""Disagreements of two versions, from a real bucket to people in a real MongoDB, and back."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest

from include import pipelines
from include.contract import keys
from include.contract.first_documents import first_name, signed_first
from include.contract.run_documents import Drawn, Replay
from include.contract.verdicts import PHISHING
from include.ingest.review.context import Context
from include.ingest.review.decisions import Decision, ReviewDesk
from include.ingest.review.entries import Chosen
from include.monitoring.reports import DISAGREEMENTS, ReportIntake
from include.registry.approve import approve
from include.registry.comparison import read_disagreements
from include.registry.publish import publish_version
from include.run.release.disagreements import MAX_WAITING, review_disagreements
from include.run.release.limits import ReleaseLimits
from include.run.release.watch import watch_release
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, publish, request, url_version, version_name
from tests.support.traffic_days import DAY, Watched

URLS = pipelines.get("urls")
NOW = datetime.fromisoformat(f"{DAY}T15:00:00+00:00")
APPROVED = f"{DAY}T06:00:00+00:00"
OLD, NEW = version_name(1), version_name(2)
FOUND = [f"http://found{n}.example/a" for n in range(30)]
BOTH = [f"http://both{n}.example/a" for n in range(30)]
FINE = [f"http://fine{n}.example/a" for n in range(30)]


@pytest.fixture
def traffic(s3, bucket, tmp_path):
    """Version 1 in production; version 2, which flags other sites too, is published."""
    signers = [Signer.new(tmp_path, name) for name in ("trainer", "approver")]
    traffic = Watched(ObjectStore(s3.client(), bucket), URLS, *signers, tmp_path)
    publish(traffic.store, url_version(1, BOTH), traffic.trainer)
    approve_version(traffic, 1, f"{DAY}T02:00:00+00:00")
    version = url_version(2, [*BOTH, *FOUND])
    manifest = replace(version.manifest(), model={"family": "f", "params": {}, "run_id": "run-2"})
    publish_version(
        traffic.store, manifest, version.files,
        signing_key=traffic.trainer.path, trusted=traffic.trainer.trusted,
    )  # fmt: skip
    traffic.manifest = manifest
    return traffic


def approve_version(traffic, number, at):
    asked = request(version_name(number), run_id=f"run-{number}", pipeline="urls")
    asked = replace(asked, approved_at=at)
    traffic.pointer = approve(traffic.store, asked, traffic.approver.key, traffic.approver.trusted)


@pytest.fixture
def intake(traffic, database):
    return ReportIntake(traffic.store, URLS, ReviewDesk(database, URLS), Context(database, URLS))


def score(traffic, urls):
    return traffic.score([{"url": url} for url in urls], [0.1] * len(urls))


def replayed(traffic, ids, champion=OLD, signer=None):
    """Leave the replay of version 2's run, as the trainer signs it."""
    drawn = [asdict(Drawn(name, url, PHISHING, "Legitimate", 0.9, 0.1))
             for name, url in zip(ids, FOUND, strict=True)]  # fmt: skip
    document = Replay(7, {"drawn": drawn}, 1.0, champion)
    key = (signer or traffic.trainer).key
    body = signed_first(document, "urls", "run-2", Replay.NAME, key)
    traffic.store.put(keys.run_file("urls", "run-2", first_name(Replay.NAME)), body)


def waiting(intake):
    return intake.desk.queue.find(Chosen(feed=DISAGREEMENTS))


def decide(intake, held, verdict):
    intake.desk.decide(held.id, Decision(verdict, "Ann", "looked", NOW))


def test_what_was_drawn_waits_in_its_order_with_why_and_no_more_than_are_needed(traffic, intake):
    ids = score(traffic, FOUND)
    replayed(traffic, ids)
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)
    held = waiting(intake)

    assert (pair.version, pair.before) == (NEW, OLD)
    assert [each.reports[0]["id"] for each in held] == ids[:MAX_WAITING]
    assert {each.reason for each in held} == {f"{NEW} and {OLD} disagree on it"}
    assert [each.state for each in pair.drawn].count("waiting") == MAX_WAITING
    assert review_disagreements(intake, traffic.trusted_keys, NOW) == [pair]
    assert read_disagreements(traffic.store, "urls", NEW, OLD) == pair

    for each in held[:5]:
        decide(intake, each, "phishing")
    review_disagreements(intake, traffic.trusted_keys, NOW)
    assert len(waiting(intake)) == MAX_WAITING


def test_labels_count_up_to_the_first_that_nobody_decided_on(traffic, intake):
    replayed(traffic, score(traffic, FOUND))
    review_disagreements(intake, traffic.trusted_keys, NOW)
    held = waiting(intake)
    said = {0: "phishing", 1: "legitimate", 2: "reject", 4: "phishing", 5: "phishing"}
    for place, verdict in said.items():
        decide(intake, held[place], verdict)
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)
    assert pair.counted == [True, False]

    decide(intake, held[3], "phishing")
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)
    assert pair.counted == [True, False, True, True, True]

    decide(intake, held[1], "undo")
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)
    assert pair.counted == [True]


def test_once_labels_decide_no_more_are_asked_for(traffic, intake):
    replayed(traffic, score(traffic, FOUND))
    review_disagreements(intake, traffic.trusted_keys, NOW)
    for each in waiting(intake)[:10]:
        decide(intake, each, "legitimate")
    n_waiting = len(waiting(intake))
    review_disagreements(intake, traffic.trusted_keys, NOW)

    assert len(waiting(intake)) == n_waiting
    later = NOW + timedelta(days=8)
    review_disagreements(intake, traffic.trusted_keys, later)
    assert waiting(intake) == [], "what nobody looked at makes room"


@pytest.mark.parametrize("why", ["other-champion", "other-signer"])
def test_a_replay_beside_another_version_or_of_another_signer_draws_nothing(
    traffic, intake, tmp_path, why
):
    ids = score(traffic, FOUND)
    if why == "other-champion":
        replayed(traffic, ids, champion=version_name(9))
    else:
        replayed(traffic, ids, signer=Signer.new(tmp_path, "stranger"))

    assert review_disagreements(intake, traffic.trusted_keys, NOW) == []
    assert waiting(intake) == []


def test_a_prediction_that_is_not_kept_any_more_holds_nothing_back(traffic, intake):
    ids = score(traffic, FOUND[1:])
    lost = ids[0][:12] + ids[-1][12:]
    replayed(traffic, [lost, *ids])
    review_disagreements(intake, traffic.trusted_keys, NOW)
    decide(intake, waiting(intake)[0], "phishing")
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)

    assert [each.state for each in pair.drawn[:3]] == ["lost", "decided", "waiting"]
    assert pair.counted == [True]


def test_a_release_that_people_find_wrong_is_taken_back_with_their_labels_as_the_reason(
    traffic, intake
):
    approve_version(traffic, 2, APPROVED)
    score(traffic, [*BOTH, *FOUND[:12], *FINE])

    def watch():
        key, limits = traffic.approver.key, ReleaseLimits(mode="act")
        return watch_release(traffic.store, URLS, limits, key, traffic.trusted_keys, NOW)

    first = watch()
    assert (first.broken, len(first.figures.drawn)) == ((), 12)
    review_disagreements(intake, traffic.trusted_keys, NOW)
    for each in waiting(intake):
        decide(intake, each, "legitimate")
    (pair,) = review_disagreements(intake, traffic.trusted_keys, NOW)
    assert pair.counted == [False] * 12
    score(traffic, FOUND[12:14])
    found = watch()

    assert found.was_taken_back
    assert found.in_production.version == OLD
    assert "of 12 sites on which the versions differ" in found.in_production.reason
    assert "it is right on 0" in found.in_production.reason
    assert len(found.figures.drawn) == 14
    assert [each.id for each in found.figures.drawn[:12]] == [each.id for each in pair.drawn]

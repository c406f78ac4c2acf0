"""Analysts' reports, left in a real bucket by the scorer's own code, enter the review queue."""

from datetime import datetime

import pytest

from include import pipelines
from include.ingest.review.context import Context
from include.ingest.review.decisions import Decision, ReviewDesk
from include.ingest.review.entries import Chosen
from include.monitoring.reports import ReportIntake, Taken
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.traffic_days import DAY, Watched, id_on

NOW = datetime.fromisoformat(f"{DAY}T15:00:00+00:00")


@pytest.fixture(params=["urls", "sites"])
def pipeline(request):
    return pipelines.get(request.param)


@pytest.fixture
def site(s3, bucket, tmp_path, pipeline):
    signers = [Signer.new(tmp_path, name) for name in ("trainer", "approver")]
    watched = Watched(ObjectStore(s3.client(), bucket), pipeline, *signers, tmp_path)
    watched.promote(1)
    return watched


@pytest.fixture
def intake(site, database, pipeline):
    desk, context = ReviewDesk(database, pipeline), Context(database, pipeline)
    return ReportIntake(site.store, pipeline, desk, context)


def records(pipeline, n):
    if pipeline.name == "urls":
        return [{"url": f"http://a{number}.example/login"} for number in range(n)]
    fields = [field.name for field in pipeline.inputs]
    return [dict.fromkeys(fields, 1) | {fields[number]: -1} for number in range(n)]


def test_reports_wait_once_and_reach_the_records_with_their_reviewer(
    site, intake, database, pipeline
):
    target = pipeline.target
    ids = site.score(records(pipeline, 3), [0.9, 0.9, 0.1])
    site.feed_back(
        [(ids[0], "Legitimate"), (ids[2], "Phishing"), (id_on(DAY, pipeline.name), "Phishing")],
        comment="our own page",
    )
    site.feed_back([(ids[0], "Legitimate")])

    assert intake.take((), NOW) == Taken(n_waiting=2, n_landed=0, n_unknown=1)
    assert intake.take((), NOW).n_waiting == 0
    first, second = sorted(intake.desk.queue.find(), key=lambda held: held.label)
    assert (first.label, second.label) == ("legitimate", "phishing")
    assert (first.reason, first.reports[0]["probability"]) == ("reported by test", 0.9)
    assert {each.reports[0]["comment"] for each in (first, second)} == {"our own page"}
    assert database[pipeline.name].count_documents({}) == 0

    intake.desk.decide(first.id, Decision("legitimate", "Ann", "our own page", NOW))
    (landed,) = database[pipeline.name].find()
    assert (landed[target.source], landed["reviewed_by"]) == (target.negative, "Ann")
    assert landed["sources"][0]["name"] == "reports"
    site.feed_back([(ids[0], "Phishing")], day="2026-11-23")
    intake.take((), NOW.replace(day=23))
    again = intake.desk.queue.find(Chosen(feed="reports", reason=(
        "reported by test, reviewed as legitimate by Ann"
    )))  # fmt: skip
    assert [held.label for held in again] == ["phishing"]


@pytest.mark.parametrize("pipeline", [pipelines.get("urls")], ids=["urls"])
def test_a_report_of_a_redacted_url_is_left_and_counted(site, intake, pipeline):
    urls = [{"url": "http://a.example/user/4711"}, {"url": "http://a.example/login"}]
    ids = site.score(urls, [0.9, 0.9], content="redacted")
    site.feed_back([(name, "Legitimate") for name in ids])

    assert intake.take((), NOW) == Taken(n_waiting=1, n_unknown=1)


def test_a_trusted_client_labels_at_once_but_not_against_a_person(site, intake, database, pipeline):
    ids = site.score(records(pipeline, 2), [0.9, 0.9])
    site.feed_back([(ids[0], "Legitimate")])

    assert intake.take(("test",), NOW) == Taken(n_landed=1)
    (landed,) = database[pipeline.name].find()
    assert landed["reviewed_by"] == "test"
    (held,) = intake.desk.queue.find(Chosen("decided"))
    intake.desk.decide(held.id, Decision("phishing", "Ann", "a kit", NOW))
    site.feed_back([(ids[0], "Legitimate")])
    assert intake.take(("test",), NOW) == Taken()
    (landed,) = database[pipeline.name].find()
    assert landed[pipeline.target.source] == pipeline.target.positive


def test_the_random_sample_of_a_day_waits_for_a_week(site, intake, database, pipeline):
    ids = site.score(records(pipeline, 3), [0.9, 0.9, 0.1])
    site.watch()

    assert intake.take_sample("2026-11-20", NOW) == 0
    assert intake.take_sample(DAY, NOW) == 3
    assert intake.take_sample(DAY, NOW) == 0
    held = intake.desk.queue.find()
    assert sorted(each.label for each in held) == ["legitimate", "phishing", "phishing"]
    assert {each.reports[0]["id"] for each in held} == set(ids)
    intake.desk.decide(held[0].id, Decision("confirm", "Ann", "looked", NOW))
    intake.take_sample("2026-11-30", NOW.replace(day=30))
    assert intake.desk.queue.find() == []
    assert len(intake.desk.queue.find(Chosen("decided"))) == 1


@pytest.mark.parametrize("pipeline", [pipelines.get("urls")], ids=["urls"])
def test_decisions_on_the_random_sample_give_the_unbiased_figures_of_the_next_day(
    site, intake, pipeline
):
    site.score(records(pipeline, 9), [0.9] * 6 + [0.1] * 3)
    site.watch()
    intake.take_sample(DAY, NOW)
    flagged = intake.desk.queue.find(Chosen(reason="random sample of predictions: Phishing"))
    others = intake.desk.queue.find(Chosen(reason="random sample of predictions: Legitimate"))

    def decide(held, verdict):
        intake.desk.decide(held.id, Decision(verdict, "Ann", "looked", NOW))

    def figures():
        intake.keep_reviews(NOW.replace(day=23))
        return site.watch("2026-11-23")["audit"]

    assert (len(flagged), len(others)) == (5, 3)
    site.score(records(pipeline, 1), [0.05], day="2026-11-23")
    for held in flagged[:4]:
        decide(held, "phishing")
    assert figures()["n_labelled"] == 0  # the last one may be what nobody can tell
    decide(flagged[4], "legitimate")
    found = figures()
    assert (found["n_drawn"], found["n_labelled"]) == (8, 5)
    assert found["figures"]["precision"]["value"] == pytest.approx(4 / 5)
    assert found["figures"]["precision"]["low"] < 0.8 < found["figures"]["precision"]["high"]
    assert found["figures"]["recall"]["value"] is None
    for held in others:
        decide(held, "legitimate")
    assert figures()["figures"]["fpr"]["value"] == pytest.approx(1.2 / 4.2, abs=1e-6)
    decide(flagged[4], "undo")
    assert figures()["n_labelled"] == 3

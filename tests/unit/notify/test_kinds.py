"""Every kind of alert says its figures in one sentence, and where to read what to do."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from include.notify.alert import alert_of, parse_alert
from include.notify.feed_kinds import FeedUnhealthy
from include.notify.kinds import (
    ApprovalWaits,
    Cause,
    DriftAboveLimit,
    GateRejected,
    ModelOld,
    QuarantineAboveLimit,
    RunFailed,
    RunLate,
    ScorerStale,
)
from include.notify.release_kinds import ReleaseBeyondLimits, ReleaseTakenBack
from include.notify.traffic_kinds import QualityBelowBaseline, TrafficDrifted

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
AT = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
CAUSES = [
    (
        ReleaseBeyondLimits("urls", "v2", ["it flags more", "it is late"], ""),
        "v2 stays in production, and it flags more; it is late.",
    ),
    (
        ReleaseTakenBack("urls", "v1", "took back v2: it flags more", ""),
        "v1 is in production again. Reason: took back v2: it flags more. The next approval is a "
        "person's.",
    ),
    (
        FeedUnhealthy("urls one", "dead", "feed.example: HTTP 403", "2026-11-20 04:10 UTC", ""),
        "The feed is dead: feed.example: HTTP 403; last well at 2026-11-20 04:10 UTC. Nothing of "
        "it is trained on.",
    ),
    (
        RunFailed("retain", "run-1", {"tidy_0": "StoreUnavailableError: away", "b": ""}, ""),
        "Run run-1 failed in tidy_0 (StoreUnavailableError: away), b.",
    ),
    (RunFailed("retain", "run-1", {}, ""), "Run run-1 failed."),
    (
        GateRejected("sites", "run-1", "v1", [f"rule {n}" for n in range(7)], 31, ""),
        "7 of 31 rules rejected version v1: rule 0; rule 1; rule 2; rule 3; rule 4 and 2 more "
        "rules. The production version stays.",
    ),
    (
        QuarantineAboveLimit("sites", "run-1", 700, 8_847, 0.05, {"a": 100, "b": 600}, ""),
        "700 of 8847 records (7.91%) break a rule and at most 5.00% may; most often (600) b. "
        "Nothing was trained; the production version stays.",
    ),
    (
        DriftAboveLimit("sites", "run-1", "v1", {"a": 1.2, "b": 0.3}, 0.25, ""),
        "Columns drifted more than 0.25 nats from the records of v1: a by 1.2, b by 0.3. The "
        "production version stays.",
    ),
    (
        RunLate("train_sites", "run-1", 180.04, "it has written nothing yet", ""),
        "Run run-1 is not finished 180 minutes after it was queued; it has written nothing yet.",
    ),
    (
        ApprovalWaits("sites", "run-1", "v1", 20, ""),
        "Version v1 passed the gate. Approve or reject it within 20 hours; without a response run "
        "run-1 fails and the production version stays.",
    ),
    (
        ModelOld("sites", "v1", 9.24, 7, ""),
        "The version in production, v1, was trained 9.2 days ago; the limit is 7.",
    ),
    (ScorerStale("a:80 sites", "The scorer at a:80 serves less", ""),
     "The scorer at a:80 serves less."),
    (
        TrafficDrifted(
            "sites", "2026-11-20", "v1", {"a": 1.2, "probability": 0.3}, ["page: a path"], 0.05, ""
        ),
        "The traffic of 2026-11-20 is not what it was on earlier days (nats): a by 1.2, "
        "probability by 0.3. Slices: page: a path. A year without a change sees such an alert with "
        "5% probability at most. v1 stays in production.",
    ),
    (
        QualityBelowBaseline(
            "sites", "2026-11-20", ["Recall of v1 is low.", "So is all else."], ""
        ),
        "Labels known on 2026-11-20: Recall of v1 is low. So is all else. Labels are a biased "
        "sample. The production version stays.",
    ),
]  # fmt: skip


def anchors():
    """The headings of the runbook, as GitHub makes links of them."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def paragraph(kind):
    return RUNBOOK.split(f"\n## {kind.title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(("cause", "sentence"), CAUSES, ids=[type(c).__name__ for c, _ in CAUSES])
def test_a_kind_says_its_figures(cause, sentence):
    assert cause.sentence == sentence


def test_every_kind_is_said_above():
    assert {type(cause) for cause, _ in CAUSES} == set(get_args(Cause))


@pytest.mark.parametrize("kind", get_args(Cause), ids=lambda kind: kind.__name__)
def test_a_kind_has_its_paragraph_in_the_runbook(kind):
    text = paragraph(kind)

    assert f"`{kind.kind}`" in text
    assert all(part in text for part in ("**Means.**", "**Check.**", "**Do.**"))


@pytest.mark.parametrize("cause", [cause for cause, _ in CAUSES])
def test_an_alert_links_to_its_paragraph(cause):
    alert = alert_of(cause, "run-1", "https://git.example/docs/runbook.md", AT)
    address, _, anchor = alert.runbook.partition("#")

    assert address == "https://git.example/docs/runbook.md"
    assert anchor in anchors()
    assert parse_alert(alert.to_json()) == alert


def test_the_same_cause_on_the_same_occasion_is_the_same_alert():
    cause, _ = CAUSES[0]

    assert alert_of(cause, "run-1", "", AT).id == alert_of(cause, "run-1", "", AT).id
    assert alert_of(cause, "run-1", "", AT).id != alert_of(cause, "run-2", "", AT).id

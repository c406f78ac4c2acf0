"""What the demo asks a new model, and how it shows the responses: a verdict with its reasons."""

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pymongo

from include.cli.screen import Screen
from include.contract.manifest import Manifest
from include.errors import ServerTimeoutError
from include.pipelines import Pipeline
from include.services.scorer.desk.result import Result, percent
from include.stack.http import request_json
from include.stores.documents import DATABASE

URLS = ("http://suspicious-example.com/login", "https://www.paypal.com/signin")
"""An invented log-in page, and a much imitated brand's own."""
_SWAP_TIMEOUT_S = 60.0
_POLL_S = 0.25
_CANDIDATES = 400
_REASONS = 4
_FIGURES = (
    ("recall", "phishing found", "{:.1%}"),
    ("review_recall", "found or suspicious", "{:.1%}"),
    ("fpr", "false alarms", "{:.2%}"),
    ("review_fpr", "false or suspicious", "{:.2%}"),
    ("roc_auc", "ROC AUC", "{:.4f}"),
)


@dataclass(frozen=True)
class ScorerOf:
    """The scorer at an address, once it serves a version.

    Attributes
    ----------
    url : str
    manifest : Manifest
        Of the version.
    """

    url: str
    manifest: Manifest

    def explain(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response to one item; the scorer polls the bucket for the version.

        Raises
        ------
        ServerTimeoutError
            If it does not serve the version within a minute.
        """
        version = self.manifest.version
        deadline = time.monotonic() + _SWAP_TIMEOUT_S
        while time.monotonic() < deadline:
            status, response = request_json("POST", f"{self.url}/explain", item)
            if status == 200 and response["model"]["version"] == version:
                return dict(response)
            time.sleep(_POLL_S)
        raise ServerTimeoutError(
            f"scorer: does not serve version {version} after {_SWAP_TIMEOUT_S:.0f} s, but"
            f" returned {status}: {json.dumps(response)}; its log has the reason"
        )


def ask_for_urls(scorer: ScorerOf, screen: Screen) -> None:
    """Show the verdicts of `URLS`."""
    for url in URLS:
        response = scorer.explain({"url": url})
        screen.show(f"\n  {url}")
        _show_verdict(response, scorer.manifest, screen)
    body = shlex.quote(json.dumps({"url": URLS[0]}))
    screen.show(f"\n  curl -s {scorer.url}/explain -H 'Content-Type: application/json' -d {body}")


def ask_for_record(scorer: ScorerOf, mongo_url: str, pipeline: Pipeline, screen: Screen) -> None:
    """Show the verdict of a record that no model was trained on."""
    record, label = held_back_record(mongo_url, pipeline)
    response = scorer.explain({"record": record})
    screen.show(
        f"\n  A record that no model was trained on, {len(record)} properties of a web site;"
        f" its label in the data set: {label}"
    )
    _show_verdict(response, scorer.manifest, screen)


def held_back_record(mongo_url: str, pipeline: Pipeline) -> tuple[dict[str, Any], str]:
    """Return a record on the test side of the split, which no model was trained on.

    Parameters
    ----------
    mongo_url : str
    pipeline : Pipeline

    Returns
    -------
    record : dict
        The model's inputs.
    label : str
        Its label in the data set.
    """
    import pandas as pd

    from include.run.rows import SPLIT_SALT
    from include.training.split import assign_sides

    names = [field.name for field in pipeline.inputs]
    complete = {name: {"$exists": True} for name in (*names, pipeline.target.source)}
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        collection = client[DATABASE][pipeline.collection]
        frame = pd.DataFrame(list(collection.find(complete).sort("_id").limit(_CANDIDATES)))
    sides = assign_sides(pipeline.group_keys(frame), SPLIT_SALT, pipeline.shares)
    record = json.loads(frame[sides == "test"].iloc[:1].to_json(orient="records"))[0]
    phishing = pipeline.target.encode([record[pipeline.target.source]])[0] == 1
    return {name: record[name] for name in names}, "Phishing" if phishing else "Legitimate"


def show_figures(manifest: Manifest, screen: Screen) -> None:
    """Show the test figures of a version: group-disjoint, beside those of a random split."""
    test, random_split = (manifest.metrics[side] for side in ("test", "random_split"))
    screen.show(f"\n  {'on rows never trained on':<26}{'group-disjoint':>14}{'random split':>15}")
    for name, title, form in _FIGURES:
        if name in test and name in random_split:
            shown = (form.format(side[name]) for side in (test, random_split))
            screen.show("  {:<26}{:>14}{:>15}".format(title, *shown))
    screen.show(
        "  Group-disjoint: no test row has a duplicate, or a page of the same domain, in training."
    )
    if manifest.snapshot.get("simulated"):
        screen.show("  Of synthetic records, these figures say nothing about real phishing.")


def _show_verdict(response: dict[str, Any], manifest: Manifest, screen: Screen) -> None:
    shown = Result(response, manifest.thresholds, manifest.budgets.block, None)
    screen.show(
        f"  {response['prediction']}, {percent(response['probability'])} likely to be phishing"
        f" (decided by: {response['decided_by']})"
    )
    reasons = [each.sentence for each in shown.reasons[:_REASONS]]
    for sentence in [*shown.known, *reasons]:
        screen.show(f"    - {sentence}")

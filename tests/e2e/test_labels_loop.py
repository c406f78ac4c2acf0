"""A false alarm in a real browser: reported, reviewed, trained on, and right after the next run."""

import json
from datetime import UTC, datetime, timedelta

import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import parse_manifest
from include.ingest.load import load_dataset
from include.registry.approve import production_pointer
from tests.support.scorer_process import of_each_worker
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(3600)]  # two trainings
MLFLOW_URL = ""  # nowhere
URLS = pipelines.get("urls")
# Synthetic, of a site on the training side, and like the phishing that is made up.
OURS = "https://kundenportal-brennwald.de/secure/verify?session=3"


@pytest.fixture
def first_version(running):
    """The database, once the scorer serves a version of `urls` that knows nothing of the site."""
    with pymongo.MongoClient(running.stack.mongo.url, tz_aware=True) as mongo:
        database = mongo.phishing
        load_dataset(
            database.urls,
            URLS,
            simulated=True,
            n_simulated=8_000,
            cache_dir=running.settings.state_dir,
        )
        train(running, 1)
        yield database


def train(running, serial):
    """Run the training DAG to its end, and wait until the scorer serves what it approved."""
    running.airflow.unpause("train_urls")
    run_id = running.airflow.trigger("train_urls", {"effort": "quick"})
    state = running.airflow.follow("train_urls", run_id, lambda task: None)
    failures = {
        task.name: running.airflow.reason("train_urls", run_id, task)
        for task in running.airflow.tasks("train_urls", run_id)
        if task.state == "failed"
    }
    assert state == "success", failures
    wait_until(lambda: served(running) == {serial})


def served(running):
    """The serials of `urls` that the scorer's workers serve."""
    found = [json.loads(body) for _, body in of_each_worker(running.stack.scorer, "/version")]
    models = [model for each in found for model in each["models"]]
    return {model["serial"] for model in models if model["pipeline"] == "urls"}


def collect(running):
    """Run the DAG of labels without any feed being due."""
    running.airflow.unpause("collect_labels")
    run_id = running.airflow.trigger("collect_labels", {})
    assert running.airflow.follow("collect_labels", run_id, lambda task: None) == "success"
    return running.returned("collect_labels", run_id, "queue_reports")["urls"]


def verdict_of(running, browser):
    """What the scorer's page says of the URL."""
    browser.show_at(1280, 900)
    browser.open(running.settings.scorer_url)
    browser.page.fill("#text", OURS)
    browser.page.press("#text", "Control+Enter")
    browser.page.wait_for_selector("#answer .verdict")
    return browser.run("document.querySelector('#answer .verdict strong').textContent")


def report(browser):
    """Press "This is wrong", and say what the URL is."""
    browser.page.click("#answer .wrong summary")
    browser.page.check("#answer .wrong input[value=Legitimate]")
    browser.page.fill("#answer .wrong input[name=comment]", "our own customer portal")
    browser.page.click("#answer .wrong .primary")
    browser.wait_for("document.querySelector('#answer .said').textContent.startsWith('Thank you')")


def review(running, browser):
    """Call the reported URL legitimate on the Labels page inside Airflow, by keyboard."""
    url = running.settings.airflow_url
    browser.page.context.add_cookies([{"name": "_token", "value": running.token(), "url": url}])
    browser.open(f"{url}/labels/urls?feed=reports")
    shown = browser.run("document.querySelector('.entry').innerText")
    browser.page.fill("#why", "asked the owner of the portal")
    browser.page.locator("h1").click()
    browser.page.keyboard.press("l")
    browser.page.wait_for_selector("#said [data-undo]")
    return shown


def test_a_false_alarm_is_reported_reviewed_and_right_after_the_next_training(
    running, first_version, chromium
):
    states, later = first_version.feed_state, datetime.now(UTC) + timedelta(days=2)
    for name in pipelines.names():
        for feed in pipelines.get(name).feeds.feeds:
            due = {"pipeline": name, "name": feed.name, "next_due_at": later}
            states.update_one({"_id": f"{name}/{feed.name}"}, {"$set": due}, upsert=True)
    before = verdict_of(running, chromium)
    report(chromium)
    for prefix in (keys.traffic_days_prefix("urls"), keys.feedback_days_prefix("urls")):
        wait_until(lambda at=prefix: any(running.store.keys_under(at)))
    taken = collect(running)
    shown = review(running, chromium)
    (stored,) = first_version.urls.find({"url": OURS})
    train(running, 2)
    after = verdict_of(running, chromium)
    pointer = production_pointer(running.store, "urls", running.approvers)
    file = keys.version_file("urls", pointer.version, keys.MANIFEST)
    manifest = parse_manifest(running.store.get(file))

    assert before in ("Phishing", "Suspicious")
    assert (taken["n_waiting"], taken["n_landed"], taken["n_unknown"]) == (1, 0, 0)
    assert "our own customer portal" in shown
    assert "kundenportal-brennwald.de" in shown
    assert (stored["label"], stored["reviewed_by"]) == (0, "admin")
    assert manifest.snapshot["n_rows"] == first_version.urls.count_documents({})
    assert (after, pointer.serial) == ("Legitimate", 2)
    assert chromium.problems == []

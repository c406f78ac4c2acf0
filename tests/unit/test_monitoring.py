"""Prometheus and Grafana of the profile `monitoring` ask for figures that exist."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from include.ingest.feeds.health import FeedHealth
from include.ingest.feeds.metrics import feed_metrics
from include.registry.follow import Outcome
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from include.services.scorer.telemetry.metrics import Metrics
from tests.support import onnx_graphs
from tests.support.scorer_app import following

ROOT = Path(__file__).parents[2]
PROMETHEUS = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
GROUPS = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/scorer.json").read_text())
PROVISIONING = ROOT / "deploy/grafana/provisioning"
TRIALS = ROOT / "tests/unit/prometheus_rules.yml"
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]

RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
QUERIES += [note["expr"] for note in DASHBOARD["annotations"]["list"]]
QUERIES += [each["query"]["query"] for each in DASHBOARD["templating"]["list"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + QUERIES

# Prometheus's own: whether a target answered, and what fires.
OWN = {"up": {"job", "instance"}, "ALERTS": {"alertstate", "alertname"}}
FUNCTIONS = {
    "abs",
    "absent",
    "and",
    "bool",
    "by",
    "changes",
    "count",
    "histogram_quantile",
    "increase",
    "label_values",
    "max",
    "min",
    "offset",
    "on",
    "or",
    "rate",
    "sum",
    "time",
    "unless",
    "vector",
}


def feed_that_fails():
    now = datetime.now(UTC)
    return FeedHealth("urls", "gone", "dead", "HTTP 403", now, now, now, *range(7))


@pytest.fixture(scope="module")
def labels_by_name(tmp_path_factory):
    """Every sample that a scorer shows once everything it counts has happened, and Airflow."""
    metrics = Metrics(shared=False)
    metrics.count_poll(Outcome("sites", "swapped"))
    metrics.note_serial("sites", 7)
    metrics.note_confirmed("sites", datetime.now(UTC))
    metrics.count_poll(Outcome("sites", "refused", "SignatureError"))
    metrics.count_request("/predict", "POST", 200, 0.002)
    metrics.count_predictions("sites", {"Phishing": 1})
    metrics.count_probabilities("sites", [0.9])
    metrics.count_traffic("dropped", 1)
    metrics.count_send_failure("StoreUnavailableError")
    metrics.count_feedback("sites", "Phishing")
    catalogue = Catalogue({"sites": following("sites", onnx_graphs.logistic())})
    outbox = DeliveryQueue(tmp_path_factory.mktemp("outbox"), 1_000)
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"ann {'0' * 64}\n")
    text = metrics.exposition(catalogue, datetime.now(UTC), outbox, ApiKeys(keys)).decode()
    text += feed_metrics([feed_that_fails()]).decode()
    return {
        sample.name: set(sample.labels) | {"job", "instance"}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def selectors(expression):
    """The metrics of a query, each with the labels that it is picked by."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    grouped = re.sub(r"\b(by|on)\s*\([^)]*\)", "", bare)
    for name, _, picked in re.findall(r"([a-zA-Z_:][\w:]*)(\s*\{([^}]*)\})?", grouped):
        if name not in FUNCTIONS and not re.search(rf"[{{,]{name}[=!]", grouped):
            yield name, set(re.findall(r"(\w+)\s*[=!]", picked))


def cleaned(expression):
    """A query without what is no metric: durations, label names asked for, Grafana's variables."""
    without_ranges = re.sub(r"\[[^\]]*\]|\boffset \w+", "", expression)
    return re.sub(r"label_values\((.*), \w+\)", r"\1", without_ranges)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_figure_that_is_asked_for_exists(expression, labels_by_name):
    recorded = {rule["record"]: {"pipeline"} for rule in RULES if "record" in rule}
    known = {**labels_by_name, **recorded, **OWN}
    asked = list(selectors(cleaned(expression)))

    assert asked
    for name, labels in asked:
        assert name in known, name
        assert labels <= known[name], name


def test_a_misspelt_figure_would_be_seen():
    query = 'sum by (le) (rate(nightcatch_request_second_bucket{rout="/predict"}[5m])) > 0.25'

    assert list(selectors(cleaned(query))) == [("nightcatch_request_second_bucket", {"rout"})]


def test_every_scorer_is_asked_and_not_the_proxy():
    (scorers,) = [job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "scorer"]
    (found,) = scorers["dns_sd_configs"]

    assert (found["names"], found["type"], found["port"]) == (["scorer"], "A", 8000)
    assert set(SERVICES["prometheus"]["networks"]) & set(SERVICES["scorer"]["networks"])
    assert f'count(up{{job="scorer"}} == 1) < {SERVICES["scorer"]["deploy"]["replicas"]}' in [
        rule["expr"] for rule in ALERTS
    ]


def test_airflow_is_asked_for_its_feeds_with_the_token_that_it_is_given():
    (feeds,) = [job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "feeds"]
    (found,) = feeds["static_configs"]
    api, prometheus = SERVICES["api-server"], SERVICES["prometheus"]

    assert found["targets"] == ["api-server:8080"]
    assert feeds["metrics_path"] == "/feed-metrics/"
    assert feeds["authorization"]["credentials_file"] in prometheus["entrypoint"][-2]
    given = api["environment"]["NIGHTCATCH_METRICS_TOKEN"]
    assert prometheus["environment"]["NIGHTCATCH_METRICS_TOKEN"] == given
    assert set(prometheus["networks"]) & {"outside", "data", "objects"}


def test_an_alert_says_what_is_wrong_and_what_to_do():
    names = [rule["alert"] for rule in ALERTS]

    assert len(set(names)) == len(names)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert re.match(r"^[A-Z{0-9].*[\w.]$", rule["annotations"]["summary"])


def test_every_alert_is_made_to_fire():
    fired = re.sub(r"(?s)exp_samples: \[\]", "", TRIALS.read_text())

    for rule in ALERTS:
        assert re.search(rf"\b{rule['alert']}\b", fired), rule["alert"]


@pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="Prometheus did not read its settings and its rules, nor was an alert made to fire: "
    "no promtool (Debian's package prometheus has it)",
)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"),
        ("check", "rules", "deploy/prometheus/rules.yml"),
        ("test", "rules", str(TRIALS)),
    ],
    ids=["settings", "rules", "alerts"],
)
def test_promtool_agrees(arguments):
    done = subprocess.run(
        ["promtool", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_finds_dashboard_and_prometheus_by_itself():
    (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/nightcatch.yml").read_text())[
        "providers"
    ]
    folder = provider["options"]["path"]
    grafana = SERVICES["grafana"]

    assert source["url"] == "http://prometheus:9090"
    assert set(grafana["networks"]) & set(SERVICES["prometheus"]["networks"])
    assert f"./deploy/grafana/dashboards:{folder}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/scorer.json"
    used = re.findall(
        r'"datasource": \{\s*"type": "(\w+)",\s*"uid": "(\w+)"', json.dumps(DASHBOARD)
    )
    assert set(used) == {(source["type"], source["uid"])}


def test_the_panels_lie_side_by_side():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)

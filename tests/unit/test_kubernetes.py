"""The manifests and chart values of `deploy/kubernetes/`, as far as they can be read.

docs/kubernetes.md says how the manifests were checked against the schemas of Kubernetes.
"""

import re
import subprocess
from types import SimpleNamespace

import pytest
import yaml

from dags.support.connections import POOL_SLOTS
from include import pipelines
from include.config.reading import variables
from include.services.scorer.settings import Settings
from tests.support.doc_pages import ROOT
from tests.support.scorer_app import app_of

FOLDER = ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
SCORER = FOLDER / "scorer"
KUSTOMIZATION = yaml.safe_load((SCORER / "kustomization.yaml").read_text())
OBJECTS = {
    each["kind"]: each
    for name in KUSTOMIZATION["resources"]
    for each in yaml.safe_load_all((SCORER / name).read_text())
}
POD = OBJECTS["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
AIRFLOW, CELERY = (
    yaml.safe_load((FOLDER / name).read_text()) for name in ("airflow.yaml", "airflow-celery.yaml")
)


def test_every_file_is_applied():
    files = {file.name for file in SCORER.glob("*.yaml")}

    assert files == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


def test_service_budget_and_policy_select_the_pods_whatever_their_track():
    name = {"app.kubernetes.io/name": "nightcatch-scorer"}
    labels = POD["metadata"]["labels"]

    assert OBJECTS["Service"]["spec"]["selector"] == name
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == name
    assert OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == name
    assert labels == {**name, "nightcatch/track": "stable"}
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    scaled = OBJECTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Deployment", "nightcatch-scorer")


def test_a_scorer_may_do_no_more_than_in_compose():
    compose, security = COMPOSE["scorer"], CONTAINER["securityContext"]
    pod = POD["spec"]["securityContext"]

    assert security["readOnlyRootFilesystem"] is compose["read_only"] is True
    assert security["capabilities"]["drop"] == compose["cap_drop"] == ["ALL"]
    assert security["allowPrivilegeEscalation"] is False
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == compose["user"]
    assert CONTAINER["resources"]["limits"] == {"memory": "1Gi"}
    assert compose["deploy"]["resources"]["limits"]["memory"] == "1g"
    writable = [each["name"] for each in CONTAINER["volumeMounts"] if not each.get("readOnly")]
    assert writable == ["cache", "tmp"]


def test_a_pod_has_longer_to_stop_than_the_scorer_takes():
    sleep = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    stop = int(COMPOSE["scorer"]["stop_grace_period"].rstrip("s"))

    assert POD["spec"]["terminationGracePeriodSeconds"] >= sleep + stop


def test_variables_are_settings_of_the_scorer():
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    names = {each.partition("=")[0] for each in generated["literals"]}
    names |= {each["name"] for each in CONTAINER["env"]}

    assert names - variables(Settings) == {"AWS_DEFAULT_REGION"}


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_ask_routes_of_the_scorer(probe):
    routes = {rule.rule for rule in app_of({}).url_map.iter_rules()}

    assert CONTAINER[probe]["httpGet"]["path"] in routes


def test_a_scorer_reaches_names_and_one_address_which_is_nobodys_until_it_is_set():
    policy = OBJECTS["NetworkPolicy"]["spec"]
    names, s3 = policy["egress"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert set(names["to"][0]) == {"namespaceSelector", "podSelector"}
    assert s3["to"] == [{"ipBlock": {"cidr": "192.0.2.1/32"}}]
    assert [port["port"] for port in s3["ports"]] == [443]
    (patch,) = KUSTOMIZATION["patches"]
    (change,) = yaml.safe_load(patch["patch"])
    found = policy
    for part in change["path"].split("/")[2:]:
        found = found[int(part) if part.isdigit() else part]
    assert change["op"] == "replace"
    assert found == s3["to"][0]["ipBlock"]["cidr"]


def resources_of(dag_id):
    """What the hook of the values gives the container of a task."""
    namespace = {}
    exec(AIRFLOW["airflowLocalSettings"], namespace)
    task, other = SimpleNamespace(name="base"), SimpleNamespace(name="sidecar", resources="kept")
    labels = {"dag_id": dag_id} if dag_id else None
    pod = SimpleNamespace(
        metadata=SimpleNamespace(labels=labels), spec=SimpleNamespace(containers=[other, task])
    )
    namespace["pod_mutation_hook"](pod)
    assert other.resources == "kept"
    return task.resources["requests"]["memory"], task.resources["limits"]["memory"]


def test_a_tasks_pod_asks_for_the_memory_that_the_pool_counts():
    for name in pipelines.names():
        size = pipelines.get(name).memory_gb
        assert resources_of(f"train_{name}") == (f"{size}Gi", f"{size + 1}Gi")
    assert resources_of("retain") == resources_of(None) == ("1Gi", "2Gi")
    assert resources_of("score_batch") == resources_of("train_urls")


def test_a_worker_holds_what_the_pool_lets_run():
    resources = CELERY["workers"]["resources"]

    assert resources["requests"]["memory"] == resources["limits"]["memory"] == f"{POOL_SLOTS}Gi"
    concurrency = COMPOSE["worker"]["environment"]["AIRFLOW__CELERY__WORKER_CONCURRENCY"]
    assert CELERY["config"]["celery"]["worker_concurrency"] == int(concurrency)


def test_private_keys_are_where_tasks_run_only():
    text = (FOLDER / "airflow.yaml").read_text()
    before, after = text.split("\nworkers:\n")

    assert "private" not in re.sub(r"#.*", "", before)
    assert after.count("/private-keys/") == 3
    assert "private" not in "".join(path.read_text() for path in SCORER.glob("*.yaml"))


def test_no_secret_is_spelled_out():
    shown = subprocess.run(
        ["grep", "-rniE", r"(password|secret|key): *[a-z0-9]{12,}$", FOLDER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert shown.stdout == ""

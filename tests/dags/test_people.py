"""The DAGs that people answer or trigger, as Airflow reads them: forms, time limits, schedules."""

import pytest

from include import pipelines
from include.registry.retention.policy import MIN_DAYS
from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

def accepted(dag, name, value):
    try:
        dag.params.get_param(name).resolve(value)
    except ParamValidationError:
        return False
    return True

bag = DagBag(sys.argv[1])
waiting = bag.dags["train_sites"].get_task("wait_for_approval")
retain = bag.dags["retain"]
print(json.dumps({
    "errors": bag.import_errors,
    "options": waiting.options,
    "defaults": waiting.defaults,
    "hours": waiting.response_timeout.total_seconds() / 3600,
    "retries": waiting.retries,
    "form": list(waiting.params),
    "approval": bag.dags["train_sites"].params["approval"],
    "promote": dict(bag.dags["approve_model"].params.dump()),
    "retain": [
        str(retain.timetable.expression),
        retain.max_active_runs,
        retain.params["apply"],
        retain.is_paused_upon_creation,
    ],
    "docs": {name: bag.dags[name].doc_md for name in ("approve_model", "retain")},
    "accepted": [accepted(bag.dags[d], n, v) for d, n, v in json.loads(sys.argv[2])],
}))
"""
FORM = {
    ("approve_model", "version", "20261121T020513Z-3f9a1c2b"): True,
    ("approve_model", "version", "../approved"): False,
    ("approve_model", "version", None): False,
    ("approve_model", "reason", "flags our own page"): True,
    ("approve_model", "reason", ""): False,
    ("approve_model", "despite_gate", True): True,
    ("approve_model", "despite_gate", "yes"): False,
    ("change_list", "action", "block"): True,
    ("change_list", "action", "delete"): False,
    ("change_list", "site", "hxxps://a[.]example/"): True,
    ("change_list", "site", None): False,
    ("change_list", "scope", "domain"): True,
    ("change_list", "scope", "everything"): False,
    ("change_list", "until", None): True,
    ("change_list", "until", "2027-06-30"): True,
    ("change_list", "reason", ""): False,
    ("retain", "apply", False): True,
    ("retain", "apply", None): False,
}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    return read_dags(tmp_path_factory.mktemp("airflow"), PARSE, list(FORM))


def test_the_dags_can_be_read(parsed):
    assert parsed["errors"] == {}


def test_an_approval_has_no_default_and_ends_before_the_next_run(parsed):
    assert parsed["options"] == ["Approve", "Reject"]
    assert parsed["defaults"] is None
    assert parsed["hours"] < 22
    assert parsed["hours"] < 24 * MIN_DAYS, "retention could take what it waits for"
    assert parsed["retries"] == 0
    assert parsed["form"] == ["reason"]


def test_who_approves_is_the_pipelines_choice_unless_a_run_is_told_otherwise(parsed):
    assert parsed["approval"] == pipelines.get("sites").approval == "auto"


def test_what_the_gate_rejected_is_not_promoted_by_default(parsed):
    assert parsed["promote"]["despite_gate"] is False


def test_retention_is_weekly_and_never_beside_itself(parsed):
    assert parsed["retain"] == ["0 4 * * 0", 1, True, False]


@pytest.mark.parametrize("name", ["approve_model", "retain"])
def test_people_find_what_they_need(parsed, name):
    assert "it fails" in parsed["docs"][name]
    assert "**Owner**" in parsed["docs"][name]


@pytest.mark.parametrize(("dag", "name", "value", "accepted"), [(*key, FORM[key]) for key in FORM])
def test_the_forms_take_what_makes_sense(parsed, dag, name, value, accepted):
    assert parsed["accepted"][list(FORM).index((dag, name, value))] is accepted

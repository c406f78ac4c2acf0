"""Every DAG's documentation has a picture, and its boxes are the DAG's tasks."""

import xml.etree.ElementTree as ET

import pytest

from include import pipelines
from include.errors import ObjectMissingError
from include.web.flow import WIDTH, Step, draw_flow
from include.web.flows import FLOWS, picture_of
from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
print(json.dumps({
    dag_id: {
        "doc": dag.doc_md,
        "tasks": [task.task_id for task in dag.tasks],
        "owners": sorted({task.owner for task in dag.tasks}),
        "untitled": [name for name, param in dag.params.items()
                     if not (dag.params.get_param(name).schema.get("title")
                             and dag.params.get_param(name).description)],
    }
    for dag_id, dag in bag.dags.items()
}))
"""
TRAINING = [f"train_{name}" for name in pipelines.names()]


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    return read_dags(tmp_path_factory.mktemp("airflow"), PARSE)


def flow_of(dag_id):
    return "train" if dag_id in TRAINING else dag_id


def test_every_dag_has_a_picture_and_every_picture_a_dag(dags):
    assert {flow_of(dag_id) for dag_id in dags} == set(FLOWS)


@pytest.mark.parametrize("name", FLOWS)
def test_the_boxes_are_the_tasks(dags, name):
    (dag, *_) = [dag for dag_id, dag in dags.items() if flow_of(dag_id) == name]
    steps = [step for row in FLOWS[name] for step in row]

    assert {step.name for step in steps if step.kind == "task"} <= set(dag["tasks"])
    assert set(dag["tasks"]) <= {step.name for step in steps}
    assert f"](/flows/{name}.svg)" in dag["doc"]


def test_documentation_says_what_to_do_and_who_to_ask(dags):
    lacking = [
        (dag_id, what)
        for dag_id, dag in dags.items()
        for what in ("it fails", "**Owner**")
        if what not in dag["doc"]
    ]

    assert lacking == []
    assert {owner for dag in dags.values() for owner in dag["owners"]} == {"nightcatch"}


def test_every_question_of_every_form_has_a_title_and_says_what_it_is_for(dags):
    assert {dag_id: dag["untitled"] for dag_id, dag in dags.items() if dag["untitled"]} == {}


@pytest.mark.parametrize("name", FLOWS)
def test_a_picture_is_sound_and_no_wider_than_airflow_shows_it(name):
    root = ET.fromstring(picture_of(name))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    wide = max((len(text) for text in texts), default=0) * 4.6

    assert int(root.get("width")) == WIDTH <= 300
    assert wide < WIDTH, "text would leave its box"


def test_what_a_box_says_cannot_break_the_picture():
    svg = draw_flow("a <b>", [[Step('<script>"', "a & b")]])

    assert ET.fromstring(svg) is not None
    assert "<script" not in svg


def test_there_is_no_picture_of_what_nobody_drew():
    with pytest.raises(ObjectMissingError, match="no picture of 'other'"):
        picture_of("other")

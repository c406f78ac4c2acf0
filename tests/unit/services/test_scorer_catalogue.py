"""Two pipelines that read records stand side by side: a third one moves nobody's answers."""

import pytest

from include.contract.schema import InputField
from tests import graphs
from tests.answering import app_of, following

MAILS = (InputField("spf", "int8", (-1, 0, 1)), InputField("b", "int8", (-1, 0, 1)))


@pytest.fixture
def client():
    mails = following("mails", graphs.logistic(), inputs=MAILS)
    sites = following("sites", graphs.logistic())
    return app_of({"mails": mails, "sites": sites}).test_client()


@pytest.mark.parametrize(
    ("record", "pipeline"),
    [
        pytest.param({"a": 1, "b": 1}, "sites", id="the-second"),
        pytest.param({"spf": 1, "b": 1}, "mails", id="the-first"),
    ],
)
def test_a_record_goes_to_the_pipeline_that_knows_its_columns(client, record, pipeline):
    one = client.post("/predict", json={"record": record}).json
    several = client.post("/predict", json={"records": [record, record]}).json

    assert one["model"]["pipeline"] == pipeline
    assert several["model"]["pipeline"] == pipeline


def test_a_pipeline_asked_for_is_not_guessed(client):
    answer = client.post("/predict", json={"record": {"a": 1, "b": 1}, "pipeline": "mails"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "record", [{}, {"c": 1}, 7, None], ids=["empty", "unknown", "number", "null"]
)
def test_what_nobody_knows_is_refused_by_the_first(client, record):
    assert client.post("/predict", json={"record": record}).status_code == 422

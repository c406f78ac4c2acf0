"""Two pipelines that read records stand side by side: a third one moves nobody's answers."""

from io import BytesIO

import pytest

from include.contract.schema import InputField
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, Following, app_of, following

MAILS = (InputField("spf", "int8", (-1, 0, 1)), InputField("b", "int8", (-1, 0, 1)))


@pytest.fixture
def client():
    mails = following("mails", onnx_graphs.logistic(), inputs=MAILS)
    sites = following("sites", onnx_graphs.logistic())
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


MAIL, SITE = {"spf": 1, "b": 1}, {"a": 1, "b": 1}


def asked_while_mails_wait(record, loading, sent_as):
    followers = {"sites": following("sites", onnx_graphs.logistic()), "mails": Following()}
    client = app_of(followers, loading=loading).test_client()
    if sent_as == "table":
        text = ",".join(record) + "\n" + ",".join(map(str, record.values())) + "\n"
        file = {"file": (BytesIO(text.encode()), "some.csv")}
        return client.post("/predict", data=file)
    return client.post("/predict", json={"record": record})


@pytest.mark.parametrize("sent_as", ["record", "table"])
@pytest.mark.parametrize(
    ("record", "loading", "status"),
    [
        pytest.param(MAIL, {"mails"}, 503, id="perhaps of the one that is loading"),
        pytest.param(MAIL, {"sites"}, 422, id="another version of one in production is loading"),
        pytest.param(MAIL, set(), 422, id="nothing is loading"),
        pytest.param(SITE, {"mails"}, 200, id="of one in production"),
        pytest.param({"a": 1}, {"mails"}, 422, id="of one in production, with a fault"),
    ],
)
def test_who_may_mean_a_pipeline_that_is_still_loading_is_told_to_come_back(
    record, loading, status, sent_as
):
    answer = asked_while_mails_wait(record, loading, sent_as)

    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert status != 503 or "mails" in answer.json["detail"]


def test_a_table_of_no_column_that_is_known_waits_for_the_pipeline_without_a_model():
    assert asked_while_mails_wait({"spf": 1}, set(), "table").status_code == 503


URLS = TEXT | {"inputs": (InputField("url", "string", None, aliases=("link", "domain")),)}


@pytest.mark.parametrize(
    ("text", "pipeline"),
    [
        ("Link,note\nhttp://a.example/,x\n", "urls"),
        ("A,B,Domain\n1,1,a.example\n", "sites"),
        ("url,label\nhttp://a.example/,phishing\n", "urls"),
    ],
    ids=["alias", "more inputs than an alias", "own name"],
)
def test_a_table_goes_to_the_pipeline_whose_columns_it_has(text, pipeline):
    urls = following("urls", onnx_graphs.text_classifier(), **URLS)
    sites = following("sites", onnx_graphs.logistic())
    client = app_of({"urls": urls, "sites": sites}).test_client()

    file = {"file": (BytesIO(text.encode()), "some.csv")}
    response = client.post("/predict", data=file, headers={"Accept": "application/json"})

    assert response.json["model"]["pipeline"] == pipeline


@pytest.mark.parametrize("text", ["http://a.example/\nhttp://b.example/\n", "address of it\nx\n"])
def test_a_file_of_urls_gets_the_faults_of_urls(text):
    sites = following("sites", onnx_graphs.logistic())
    urls = following("urls", onnx_graphs.text_classifier(), **URLS)
    client = app_of({"sites": sites, "urls": urls}).test_client()

    response = client.post("/predict", data={"file": (BytesIO(text.encode()), "list.csv")})

    assert response.status_code == 422
    assert [error["column"] for error in response.json["errors"]] == ["url"]

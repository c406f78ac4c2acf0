"""What the scorer reads out of a text, scores and shows are one URL; all else is refused."""

import io

import pytest

from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

PLAIN = "http://a.bad.example/login"
SAME = {
    "defanged": "hxxp://a[.]bad[.]example/login",
    "blanks and brackets": " <http://a.bad.example/login>\n",
    "byte order mark": "\ufeffhttp://a.bad.example/login",
    "no slashes": "http:a.bad.example/login",
    "wrapped": "https://www.google.com/url?q=http%3A%2F%2Fa.bad.example%2Flogin",
}


@pytest.fixture(scope="module")
def client():
    urls = following("urls", onnx_graphs.text_classifier(), **TEXT)
    return app_of({"urls": urls}).test_client()


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
@pytest.mark.parametrize("route", ["/predict", "/explain"])
def test_however_a_url_is_written_it_is_scored_and_explained_alike(client, route, text):
    plain, answer = (client.post(route, json={"url": url}).json for url in (PLAIN, text))

    assert (answer["url"], answer["scored_url"]) == (text, PLAIN)
    assert answer["probability"] == plain["probability"]
    assert answer.get("explanation") == plain.get("explanation")
    assert plain["scored_url"] == PLAIN
    assert "unwrapped" not in plain


def test_a_response_names_the_links_that_held_the_url(client):
    answer = client.post("/predict", json={"urls": [SAME["wrapped"], SAME["defanged"]]}).json

    wrapped, defanged = answer["predictions"]
    assert wrapped["unwrapped"] == ["Google"]
    assert "unwrapped" not in defanged


def test_the_host_behind_a_long_user_name_is_scored(client):
    url = "http://www.google.com:" + "0" * 2100 + "@bad.example/"
    answer = client.post("/explain", json={"url": url}).json

    assert answer["prediction"] == "Phishing"
    assert {"domain": "bad", "ending": "example"}.items() <= {
        part["input"]: part["value"] for part in answer["explanation"]["contributions"]
    }.items()


@pytest.mark.parametrize(
    "text",
    ["hello world", "javascript:alert(1)", "mailto:a@b.example", "data:text/html,x", "# list", ""],
)
def test_what_is_no_web_address_is_a_422_with_the_reason(client, text):
    for body, pointer in (({"url": text}, "#/url"), ({"urls": [PLAIN, text]}, "#/urls/1")):
        answer = client.post("/predict", json=body)

        (error,) = answer.json["errors"]
        assert answer.status_code == 422
        assert (error["pointer"], error["rule"]) == (pointer, "url")
        assert error["detail"]


def test_a_table_has_the_scored_url_beside_each_row(client):
    body = f'url,seen\n"{SAME["defanged"]}",1\n{SAME["wrapped"]},2\na.example,3\n'
    answers = {
        kind: client.post(
            "/predict",
            data={"file": (io.BytesIO(body.encode()), "urls.csv")},
            headers={"Accept": kind},
        )
        for kind in ("text/csv", "application/json")
    }
    rows = [line.split(",") for line in answers["text/csv"].text.splitlines()]

    assert rows[0][:3] == ["url", "seen", "scored_url"]
    assert [row[2] for row in rows[1:]] == [PLAIN, PLAIN, "a.example"]
    predictions = answers["application/json"].json["predictions"]
    assert [entry["scored_url"] for entry in predictions] == [PLAIN, PLAIN, "a.example"]


def test_a_row_that_is_no_web_address_refuses_the_table_with_its_line(client):
    file = (io.BytesIO(b"url\nhttp://a.example\nhello world\n"), "urls.csv")
    answer = client.post("/predict", data={"file": file})

    assert answer.status_code == 422
    assert [(error["line"], error["rule"]) for error in answer.json["errors"]] == [(3, "url")]

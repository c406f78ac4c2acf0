"""Attacker: a web page of another origin in the browser of whoever runs the embedded stack.

Aim: write an object of the bucket, or read one, by the ports of the loopback.
"""

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from include.stack.ports import HOST
from tests.support.web_pages import serving

KEY = "by-a-page"
SEND = """async (url) => {
  const form = new FormData();
  form.append('file', new Blob(['hostile']), '%s');
  for (const body of [form, 'hostile'])
    await fetch(url, {method: 'POST', mode: 'no-cors', body}).catch(() => 0);
}"""
READ = """(url) => fetch(url).then((answer) => answer.text()).catch(() => 'refused')"""
WRITE = """(url) => fetch(url, {method: 'PUT', body: 'hostile'})
  .then((answer) => String(answer.status)).catch(() => 'refused')"""


@pytest.fixture
def page(chromium):
    app = FastAPI()

    @app.get("/")
    def other_origin():
        return HTMLResponse("<!DOCTYPE html><title>another origin</title>")

    with serving(app) as address:
        chromium.open(address)
        yield chromium.page


def test_no_request_that_needs_no_leave_writes_an_object(page, s3):
    for port in range(s3.port, s3.port + 5):
        for scheme in ("http", "https"):
            for path in (f"buckets/nightcatch/{KEY}", f"nightcatch/{KEY}", "nightcatch"):
                page.evaluate(SEND % KEY, f"{scheme}://{HOST}:{port}/{path}")

    found = s3.client().list_objects_v2(Bucket="nightcatch", Prefix=KEY)
    assert found["KeyCount"] == 0


def test_a_link_that_became_known_opens_nothing_for_a_page(page, s3):
    """A presigned link is enough for a program; a browser asks S3 about the page's origin first."""
    client = s3.client()
    client.put_object(Bucket="nightcatch", Key="known", Body=b"a model")
    named = {"Bucket": "nightcatch", "Key": "known"}
    read, write = (
        client.generate_presigned_url(call, named) for call in ("get_object", "put_object")
    )

    assert page.evaluate(READ, read) == "refused"
    assert page.evaluate(WRITE, write) == "refused"
    assert client.get_object(**named)["Body"].read() == b"a model"

"""Where a request ends is known as soon as it can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.services.scorer.serving.http_framing import GATHERED_BYTES, extent, is_quick

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
JSON = b"Content-Type: application/json\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="file"\r\n' + JSON + b"\r\nurl\na\n"


def request(body, length=b"Content-Length"):
    return HEAD + b"%s: %d\r\n\r\n" % (length, len(body)) + body


@given(body=st.binary(max_size=60), cut=st.integers(1, 200))
def test_every_beginning_is_a_part_and_the_request_is_whole(body, cut):
    whole = request(body)

    assert extent(whole) == "whole"
    assert extent(whole[: -min(cut, len(whole))]) == "part"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", "part"),
        (b"GET / HTTP/1.1\r\n", "part"),
        (b"GET / HTTP/1.1\r\n\r\n", "whole"),
        (request(b"ab", b"content-LENGTH"), "whole"),
        (request(b"ab", b"X-Content-Length"), "whole"),
        (request(b"", b"Content-Length") + request(b"next"), "whole"),
        (HEAD + b"Content-Length: x\r\n\r\n", "whole"),  # the parser refuses it
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "large"),
        (HEAD + b"transfer-encoding: chunked\r\nContent-Length: 5\r\n\r\n", "large"),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "large"),
        (HEAD + b"Content-Length: 9999999\r\n\r\n", "part"),
        (HEAD + b"Content-Length: %020d\r\n\r\nab" % 2, "large"),  # as many as it has digits
        (HEAD + b"Content-Length: %s\r\n\r\n" % (19 * b"9"), "large"),
        (HEAD + b"Content-Length: 9999999\r\n\r\n" + b" " * GATHERED_BYTES, "large"),
        (b"GET /" + b"a" * GATHERED_BYTES, "large"),
        (HEAD + b"Content-Length: 5\r\n\r\nabc\r\n\r\nContent-Length: 0\r\n\r\n", "whole"),
        (HEAD + b"\r\n" + b"Content-Length: 5\r\n\r\n", "whole"),
    ],
)
def test_what_a_thread_is_given(received, expected):
    assert extent(received) == expected


def asked(body, head=HEAD + JSON):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (asked(b'{"record": {"a": 1}}'), True),
        (asked(b'{"url": "http://a.example/"}'), True),
        (asked(b'{"url": "http://\\u00e4.example/", "pipeline": "urls"}'), True),
        (asked(b"{"), True),  # the fault is found as quickly
        (asked(b"{}", HEAD + b"content-type:application/JSON; charset=utf-8\r\n"), True),
        (asked(b'{"urls": ["http://a.example/"]}'), False),
        (asked(b'{"url\\u0073": ["http://a.example/"]}'), False),
        (asked(b'{"\\u0072ecords" : [{}]}'), False),
        (asked(b'{"pipeline": "sites", "records": [{}]}'), False),
        (asked(b'{"url": "' + b"a" * 5000 + b'"}'), False),
        (asked(PART, HEAD + b"Content-Type: multipart/form-data; boundary=b\r\n"), False),
        (asked(b"{}", HEAD), False),
        (asked(b'{"record": {}}').replace(b"/predict", b"/predict?explain=true"), False),
        (asked(b'{"record": {}}').replace(b"/predict", b"/explain"), False),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", False),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /health/live/metrics HTTP/1.1\r\nHost: x\r\n\r\n", False),
    ],
)
def test_what_the_loop_answers_itself(received, expected):
    assert is_quick(received) is expected

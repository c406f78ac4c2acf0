"""A URL is read out of pasted text as a browser would read it, or refused with a reason."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import UrlRefusedError
from include.urls.address import address_of
from include.urls.reading import read_url

HOSTS = {
    "plain": ("http://a.example/x", "a.example"),
    "a host alone": ("a.example", "a.example"),
    "a host with a port": ("a.example:8080/x", "a.example"),
    "this machine": ("localhost:8080/x", "localhost"),
    "two slashes": ("//a.example/x", "a.example"),
    "no slashes": ("http:a.example/x", "a.example"),
    "backslashes": ("http:\\\\a.example\\x", "a.example"),
    "backslash before the @": ("http://a.example\\@b.example/", "a.example"),
    "user name": ("http://b.example@a.example/", "a.example"),
    "two user names": ("https://1.1.1.1&@2.2.2.2%23@3.3.3.3/", "3.3.3.3"),
    "user name without a scheme": ("www.b.example:80@a.example/x", "a.example"),
    "2,100 zeros": ("http://www.google.com:" + "0" * 2100 + "@a.example", "a.example"),
    "2,100 blanks": (" " * 2100 + "http://a.example/", "a.example"),
    "byte order mark": ("\ufeffhttp://a.example/", "a.example"),
    "zero width": ("\u200b\u2060http://a.example/\u200d", "a.example"),
    "zero width in the scheme": ("ht\u200btp://a.example/", "a.example"),
    "zero width in the host": ("http://a.exam\u200bple/", "a.example"),
    "soft hyphen in the host": ("http://a.exam\u00adple/", "a.example"),
    "no-break blanks": ("\u00a0http://a.example/x\u202f", "a.example"),
    "double quotes": ('"http://a.example/x"', "a.example"),
    "single quotes": ("'http://a.example/x'", "a.example"),
    "typographic quotes": ("\u201ehttp://a.example/x\u201c", "a.example"),
    "angle brackets": ("<http://a.example/x>", "a.example"),
    "in brackets with blanks": ("( <a.example/x> )", "a.example"),
    "in square brackets": ("[http://a.example/x]", "a.example"),
    "defanged in square brackets": ("[hxxp://a[.]example/x]", "a.example"),
    "bold in Markdown": ("**http://a.example/x**", "a.example"),
    "a link in Markdown": ("[www.b.example](http://a.example/x)", "a.example"),
    "marked as a URL": ("<URL: http://a.example/x>", "a.example"),
    "a tab and line ends inside": ("http://a.exa\tmp\r\nle/x", "a.example"),
    "full-width letters": ("http://\uff41.\uff45xample/", "a.example"),
    "ideographic dot": ("http://a\u3002example/", "a.example"),
    "not composed": ("http://bu\u0308cher.example/", "xn--bcher-kva.example"),
    "capitals": ("HTTP://A.EXAMPLE/X", "a.example"),
    "escaped": ("http://%61.example/", "a.example"),
    "decimal address": ("http://2130706433/", "127.0.0.1"),
    "hexadecimal address": ("http://0x7f.1/", "127.0.0.1"),
    "octal address": ("http://0177.0.0.1/", "127.0.0.1"),
    "IPv6": ("http://[0:0:0:0:0:0:0:1]:80/", "[::1]"),
    "IPv6 alone": ("[2001:db8::1]/x", "[2001:db8::1]"),
    "bare public suffix": ("http://gov.uk/", "gov.uk"),
    "253 characters": ("http://" + "a." * 122 + "a.example", "a." * 122 + "a.example"),
}


@pytest.mark.parametrize(("text", "host"), HOSTS.values(), ids=HOSTS)
def test_the_host_is_the_one_that_a_browser_goes_to(text, host):
    assert read_url(text).parsed.host == host


REFUSED = {
    "empty": "",
    "blank": " \t\u00a0\ufeff\n",
    "prose": "hello world",
    "prose with a URL": "see http://a.example/",
    "a word": "hello",
    "a number": "2130706433",
    "a decimal number": "3.14",
    "a comment": "# list",
    "a mark": "#",
    "a brace": "{",
    "dots": "...",
    "a path": "/relative/path",
    "a Windows path": "C:\\Users\\a\\b.html",
    "a share": "\\\\server\\share",
    "an HTTP status": "404: Not Found",
    "JSON": '{"url": "http://a.example"}',
    "HTML": '<a href="http://a.example">',
    "a line of CSV": "http://a.example/,phishing\nhttp://b.example/,legitimate",
    "a row without a scheme": "a.example,1",
    "a wildcard": "*.a.example",
    "an Adblock rule": "||a.example^",
    "a hosts file": "0.0.0.0 a.example",
    "script": "javascript:alert(1)",
    "mail": "mailto:me@a.example",
    "data": "data:text/html,<script>1</script>",
    "ftp": "ftp://a.example/x",
    "file": "file:///etc/passwd",
    "telephone": "tel:+4912345",
    "about": "about:blank",
    "no host": "http://",
    "no host but a path": "http:///",
    "blank host": "http:// a.example/",
    "blank in the host": "http://a. example/",
    "two hosts": "a.example b.example",
    "two lines": "http://a.example\nhttp://b.example",
    "two lines of hosts": "a.example\nb.example",
    "two cells": "http://a.example\thttp://b.example",
    "a hosts file with a tab": "127.0.0.1\ta.example",
    "a list with commas": "http://a.example,http://b.example",
    "port out of range": "http://a.example:65536/",
    "port of letters": "http://a.example:b/",
    "broken IPv6": "http://[::1/x",
    "IPv4 out of range": "http://1.2.3.999/",
    "half a pair": "http://\ud800.example/",
    "binary": "".join(map(chr, range(256))),
    "label of 64 characters": "http://" + "a" * 64 + ".example/",
    "label of 64 characters, escaped": "http://" + "%61" * 64 + ".example/",
    "label of 64 characters once encoded": "http://" + "\u00fc\u4e00" * 31 + ".example/",
    "host of 254 characters": "http://" + "a." * 124 + "example/",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_web_address_is_refused_with_a_reason(text):
    with pytest.raises(UrlRefusedError) as refusal:
        read_url(text)

    assert 8 < len(str(refusal.value)) < 200


DEFANGED = {
    "scheme and dots": ("hxxp://a[.]example/x", "http://a.example/x"),
    "capitals": ("hXXpS://a[.]Example/x", "https://a.Example/x"),
    "slashes": ("hXXps[://]a[.]example/b", "https://a.example/b"),
    "colon": ("http[:]//a.example/", "http://a.example/"),
    "colon and slashes": ("hxxp:[/][/]a[.]example[/]x", "http://a.example/x"),
    "round brackets": ("a(.)b(.)example/c", "a.b.example/c"),
    "braces": ("a{.}b{dot}example", "a.b.example"),
    "words": ("www.a[dot]b(DOT)example", "www.a.b.example"),
    "blanks": ("a [.] b [dot] example/x", "a.b.example/x"),
    "one bracket": ("hxxp://a[.b.]example", "http://a.b.example"),
    "backslashes": ("login-a\\.b\\.example", "login-a.b.example"),
    "backslashes with scheme and path": ("hxxp://a\\.example/x", "http://a.example/x"),
    "stars": ("h**p://a.example", "http://a.example"),
    "port": ("a[.]example[:]8080/x", "a.example:8080/x"),
    "user": ("hxxp://me[at]a[.]example/", "http://me@a.example/"),
    "path too": ("hxxp://a[.]example/b[.]php?u=hxxp://c", "http://a.example/b.php?u=http://c"),
    "in quotes": ("'hxxp://a[.]example/'", "http://a.example/"),
}


@pytest.mark.parametrize(("text", "url"), DEFANGED.values(), ids=DEFANGED)
def test_a_defanged_url_is_refanged(text, url):
    reading = read_url(text)

    assert (reading.url, reading.unwrapped) == (url, ())


def test_brackets_outside_scheme_and_host_are_part_of_an_ordinary_url():
    for url in (
        "http://a.example/[.]?x=(.)&y=[dot]#[:]",
        "http://a.example/?q=hxxp://b[.]example",
        "http://[::1]/a[.]b",
    ):
        assert read_url(url).url == url


def test_only_some_escaped_dots_lead_where_a_browser_goes():
    """Else `\\.` would hide the host behind a well-known one."""
    assert read_url("http://evil.example\\.google.com/").parsed.host == "evil.example"


def test_an_ordinary_url_is_returned_as_it_was_written():
    for url in (
        "http://a.example",
        "HTTPS://WWW.A.example:443/%7e/../x?q=a b#\u00fc",
        "https://b\u00fccher.example/",
        "http://0x7f.1/",
        "a.example/x",
        "http://a.example/x'(y)",
        'http://a.example/?x="1"',
        "http://a.example/?x=<b>&y=\u201cz\u201d",
        "http://me:pw@a.example:8080/?next=http://b.example/",
    ):
        assert read_url(url).url == url


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ('"http://a.example/?x="1""', '?x="1"'),
        ('http://a.example/"', ""),
        ("<http://a.example/<b>>", "<b>"),
        ("(http://a.example/(b))", "(b)"),
        ("(http://a.example/b)(c)", "b)(c)"),
    ],
)
def test_a_mark_that_closes_one_within_the_url_stays(text, tail):
    assert read_url(text).url == f"http://a.example/{tail}"


def test_a_host_that_hides_where_it_leads_is_returned_in_the_standards_form():
    assert read_url("http:a.example\\x").url == "http://a.example/x"
    assert read_url("\uff41.example").url == "http://a.example/"


@given(
    st.one_of(
        st.text(st.characters(), max_size=80),
        st.text(st.sampled_from("htpx:/\\[]().@#?%aA1- \n\t\u200b\u00ad<>\"'"), max_size=60).map(
            lambda text: f"http://a.example{text}"
        ),
        st.text(st.sampled_from("htpsx:/\\[](){}.@dotA1- "), max_size=40),
    )
)
def test_reading_a_url_again_changes_nothing(text):
    try:
        reading = read_url(text)
    except UrlRefusedError:
        return

    again = read_url(reading.url)
    assert (again.url, again.parsed.href) == (reading.url, reading.parsed.href)
    assert address_of(again.parsed) == address_of(reading.parsed)


LONG = {
    "host": "http://{}.example/",
    "path": "http://a.example/{}",
    "user": "http://{}@a.example/",
    "port": "http://a.example:{}/",
    "bare": "{}",
    "labels": "http://{}.example",
    "defanged": "hxxp://{}[.]example/",
    "v3": "https://urldefense.com/v3/__http://a/{}__;{}!!",
    "Markdown": "[{}](h{}",
    "quoted": '"[({}http://a.example/',
    "google": "https://www.google.com/url?{}q=http://a.example/{}",
}
UNITS = (
    "a", "a.", "%61", "%25", "\u00fc", "\u00ad", " ", "\n", "\t", "[", "[.]", "(", " [", "\\.",
    "\\", "/", "[/]", ":", "@", "*", "**A", "__;", "&", "h", "hxxp:", "\u200b", "'", "\u201c",
    "]", ")", "<", ">", '"', ",", ",http:",
)  # fmt: skip


@pytest.mark.parametrize("frame", LONG.values(), ids=LONG)
def test_sixty_kilobytes_are_read_in_linear_time(frame):
    for unit in UNITS:
        short, long = (frame.format(*(unit * (n // len(unit)),) * 2) for n in (7_500, 60_000))
        seconds = [min(timed(text) for _ in range(3)) for text in (short, long)]

        # Eight times the length: quadratic would be 64 times the time.
        assert seconds[1] < 30 * max(seconds[0], 0.005), unit


def timed(text):
    started = process_time()
    with suppress(UrlRefusedError):
        read_url(text)
    return process_time() - started

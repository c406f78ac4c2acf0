"""URLs are found in prose, HTML and e-mails as they stand there."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.urls.finding import (
    MAX_FOUND,
    find_urls,
    find_urls_in_html,
    find_urls_in_mail,
    is_mail,
)
from include.urls.reading import read_url

TEXTS = {
    "prose": (
        "See https://a.example/b, then (http://c.example/d).",
        ["https://a.example/b", "http://c.example/d"],
    ),
    "brackets of the path stay": ("https://a.example/b_(c)", ["https://a.example/b_(c)"]),
    "defanged": ("hxxps[://]evil[.]com/x and evil[.]org", ["hxxps[://]evil[.]com/x", "evil[.]org"]),
    "blanks around a defanged dot": ("evil [.] com", ["evil[.]com"]),
    "dot as a word": ("evil[dot]com", ["evil[.]com"]),
    "Markdown": (
        "[https://a.example](https://b.example/c)",
        ["https://a.example", "https://b.example/c"],
    ),
    "angle brackets": ("<https://a.example/b>", ["https://a.example/b"]),
    "quotes": ("\u201chttps://a.example/b\u201d", ["https://a.example/b"]),
    "www": ("go to www.a.example now", ["www.a.example"]),
    "the end of a sentence": ("go to www.a.example. Now.", ["www.a.example"]),
    "a host with a path": ("go to a.example/login.", ["a.example/login"]),
    "a wrapped link is one": (
        "https://a.example/?u=https://b.example/",
        ["https://a.example/?u=https://b.example/"],
    ),
    "once": ("https://a.example https://a.example", ["https://a.example"]),
    "mail addresses are none": ("ask ann@a.example or mailto:ann@a.example", []),
    "file names and abbreviations are none": ("e.g. README.md, v1.2, and/or 3.5/4", []),
    "an attribute": ('<a href="https://a.example/b">', ["https://a.example/b"]),
}


@pytest.mark.parametrize(("text", "urls"), TEXTS.values(), ids=TEXTS)
def test_urls_of_a_text(text, urls):
    assert find_urls(text) == urls


def test_links_and_texts_of_a_page_but_not_its_scripts():
    page = (
        "<script>x='https://script.example/'</script><a href=' https://a.example/?b=1&amp;c=2 '>"
        "https://shown.example/</a><form action='https://f.example/'></form><a href='#top'>up</a>"
    )

    assert find_urls_in_html(page) == [
        "https://a.example/?b=1&c=2",
        "https://f.example/",
        "https://shown.example/",
    ]


@pytest.fixture
def mail():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@a.example", "b@b.example", "Your parcel"
    mail.set_content(
        "Text: https://plain.example/a-long-path/" + "x" * 100 + " .", cte="quoted-printable"
    )
    mail.add_alternative(
        "<a href='https://html.example/?a=1&amp;b=2'>click</a>", subtype="html", cte="base64"
    )
    return mail


def test_urls_of_a_mail_in_its_encodings(mail):
    found = find_urls_in_mail(mail.as_bytes())

    assert found == [
        "https://plain.example/a-long-path/" + "x" * 100,
        "https://html.example/?a=1&b=2",
    ]


def test_urls_of_a_forwarded_mail(mail):
    outer = EmailMessage()
    outer["From"] = "c@c.example"
    outer.set_content("see below")
    outer.add_attachment(mail)

    assert len(find_urls_in_mail(outer.as_bytes())) == 2


def test_an_unknown_character_set_hides_nothing():
    mail = b"From: a@a.example\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\nhttps://a.example/\xff"

    (found,) = find_urls_in_mail(mail)

    assert found.startswith("https://a.example/")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"From: a@a.example\nSubject: x\n\nhttps://a.example", True),
        (b"Received: from x\r\n\tby y\r\nSubject: x\r\n\r\ntext", True),
        (b"https://a.example\nhttps://b.example\n", False),
        (b"url,label\nhttps://a.example,1\n", False),
        (b"", False),
    ],
    ids=["mail", "folded header", "list", "CSV", "empty"],
)
def test_a_mail_is_known_by_its_header(body, expected):
    assert is_mail(body) is expected


def test_no_more_than_the_limit_is_found():
    text = " ".join(f"https://a{number}.example" for number in range(MAX_FOUND + 10))

    assert len(find_urls(text)) == MAX_FOUND


@given(st.text(alphabet="htxps:/.[]()<> \n@a-'\"", max_size=200))
def test_what_is_found_can_be_read(text):
    for url in find_urls(text):
        read_url(url)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_a_mail(body):
    find_urls_in_mail(b"From: a@a.example\nContent-Type: " + body)

"""A feed is fetched from a real server within its limits, or the reason is named."""

import gzip
import socket
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from include.errors import FeedUnavailableError
from include.ingest.feeds.fetch import Target, Validators, fetch
from include.ingest.feeds.settings import FeedSettings
from include.ingest.feeds.transport import refuse_private
from tests.support.certificates import Authority
from tests.support.feed_server import FeedServer

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
CONTENT = b"".join(b"http://a%d.example/login\n" % n for n in range(5_000))
NEW = Validators()


@pytest.fixture
def server():
    opened = FeedServer()
    opened.contents |= {"/feed.txt": CONTENT, "/feed.csv": CONTENT}
    yield opened
    opened.close()


def settings(**changes):
    given = {
        "name": "test",
        "address": "http://feed.example/feed.txt",
        "format": "list",
        "label": "phishing",
        "licence": "ours",
        "terms": "none",
        "seen": "here",
        "allow_private": True,
        "deadline_s": 5.0,
    }
    return FeedSettings(**(given | changes))


def get(server, tmp_path, path="/feed.txt", known=NEW, headers=None, timeout_s=1.0, **changes):
    target = Target(f"{server.url}{path}", headers or {})
    return fetch(settings(**changes), target, known, tmp_path, NOW, timeout_s=timeout_s)


@pytest.mark.parametrize("path", ["/feed.txt", "/feed.csv"], ids=["plain", "gzip"])
def test_a_feed_is_fetched_unpacked_and_leaves_no_part(server, tmp_path, path):
    fetched = get(server, tmp_path, path)

    assert fetched.path.read_bytes() == CONTENT
    assert fetched.validators.etag
    assert [file.name for file in tmp_path.iterdir()] == [fetched.path.name]


def test_an_unchanged_feed_is_not_sent_again(server, tmp_path):
    first = get(server, tmp_path)

    assert get(server, tmp_path, known=first.validators).path is None


def test_an_archive_of_several_members_is_unpacked(server, tmp_path):
    server.contents["/feed.gz"] = gzip.compress(CONTENT[:50]) + gzip.compress(CONTENT[50:])

    assert get(server, tmp_path, "/feed.gz").path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("moved", "elsewhere.example"),
        ("unauthorised", "401"),
        ("forbidden", "403"),
        ("broken", "500"),
        ("reset", "127.0.0.1"),
        ("black hole", "time-out"),
        ("slow", "not finished|time-out"),
        ("cut", "127.0.0.1"),
        ("cut gzip", "cut off"),
        ("bomb", "unpacks to more"),
    ],
)
def test_a_fault_is_named_and_gives_no_feed(server, tmp_path, fault, reason):
    server.faults["/feed.txt"] = fault

    with pytest.raises(FeedUnavailableError, match=reason):
        get(server, tmp_path, timeout_s=0.3, deadline_s=0.5, max_unpacked_bytes=5_000_000)

    assert not list(tmp_path.glob("*.records"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("Tue, 03 Nov 2026 05:00:00 GMT", 3600), ("soon", 0), ("-5", 0), ("nan", 0)],
)
def test_retry_after_is_read(server, tmp_path, header, seconds):
    server.faults["/feed.txt"], server.retry_after = "too many", header

    with pytest.raises(FeedUnavailableError) as refused:
        get(server, tmp_path)

    assert refused.value.retry_after_s == seconds


def test_what_a_fetch_left_is_completed_by_the_next_one(server, tmp_path):
    server.faults["/feed.txt"] = "cut"
    with pytest.raises(FeedUnavailableError):
        get(server, tmp_path)
    server.faults.clear()

    fetched = get(server, tmp_path)

    assert fetched.path.read_bytes() == CONTENT
    assert server.requests[-1][1]["range"].startswith("bytes=")


def test_a_part_of_another_version_is_not_completed(server, tmp_path):
    server.faults["/feed.txt"] = "cut"
    with pytest.raises(FeedUnavailableError):
        get(server, tmp_path)
    server.faults.clear()
    server.contents["/feed.txt"] = other = CONTENT.replace(b"login", b"account")

    assert get(server, tmp_path).path.read_bytes() == other


def test_size_limits_hold(server, tmp_path):
    with pytest.raises(FeedUnavailableError, match="more than 1,000 bytes"):
        get(server, tmp_path, max_bytes=1_000)
    with pytest.raises(FeedUnavailableError, match="more than 1,000 bytes"):
        get(server, tmp_path, max_unpacked_bytes=1_000)

    assert list(tmp_path.iterdir()) == []


def test_a_redirect_within_the_host_is_followed_with_its_credentials(server, tmp_path):
    server.faults["/old"], server.elsewhere = "moved", "/feed.txt"

    fetched = get(server, tmp_path, "/old", headers={"Auth-Key": "secret"})

    assert fetched.path.read_bytes() == CONTENT
    assert server.requests[-1][1]["auth-key"] == "secret"


def test_an_allowed_redirect_gets_no_credentials(server, tmp_path):
    other = FeedServer()
    try:
        other.contents["/feed.txt"] = CONTENT
        server.faults["/old"] = "moved"
        server.elsewhere = f"http://localhost:{other.server_port}/feed.txt"
        get(server, tmp_path, "/old", headers={"Auth-Key": "secret"}, redirect_hosts=["localhost"])

        assert "auth-key" not in other.requests[-1][1]
    finally:
        other.close()


def test_a_feed_that_redirects_for_ever_is_given_up(server, tmp_path):
    server.faults["/feed.txt"], server.elsewhere = "moved", "/feed.txt"

    with pytest.raises(FeedUnavailableError, match="redirects"):
        get(server, tmp_path)


def test_no_private_address_is_requested(server, tmp_path):
    for host in ("127.0.0.1", "localhost"):
        target = Target(f"http://{host}:{server.server_port}/feed.txt", {})
        with pytest.raises(FeedUnavailableError, match="no public address"):
            fetch(settings(allow_private=False), target, NEW, tmp_path, NOW)

    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "2002:7f00:1::", "fe80::1",
     "224.0.0.1", "0.0.0.0", "100.64.0.1"],
)  # fmt: skip
def test_one_private_address_among_public_ones_is_refused(address):
    with pytest.raises(FeedUnavailableError, match="no public address"):
        refuse_private("feed.example", [ip_address("93.184.216.34"), ip_address(address)])


def test_public_addresses_pass():
    refuse_private("a.example", [ip_address("93.184.216.34"), ip_address("2606:2800:220:1::1")])


def test_a_host_without_address_or_server_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = Target(f"http://127.0.0.1:{taken.getsockname()[1]}/", {})
        with pytest.raises(FeedUnavailableError, match=r"127\.0\.0\.1"):
            fetch(settings(), nobody, NEW, tmp_path, NOW)
    with pytest.raises(FeedUnavailableError, match=r"nowhere\.invalid"):
        fetch(settings(), Target("https://nowhere.invalid/", {}), NEW, tmp_path, NOW)


def test_a_certificate_of_an_unknown_authority_is_refused(server, tmp_path):
    context = Authority.new(tmp_path).server("127.0.0.1")
    server.socket = context.wrap_socket(server.socket, server_side=True)

    with pytest.raises(FeedUnavailableError, match="certificate"):
        fetch(
            settings(), Target(f"https://127.0.0.1:{server.server_port}/", {}), NEW, tmp_path, NOW
        )


def test_no_message_shows_a_key(server, tmp_path):
    server.faults["/feed.txt?auth-key=secret"] = "broken"

    with pytest.raises(FeedUnavailableError) as refused:
        get(server, tmp_path, "/feed.txt?auth-key=secret")

    assert "secret" not in str(refused.value)


def test_a_file_of_the_data_directory_is_a_feed(tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "mine.csv").write_bytes(CONTENT)
    target = Target("file:mine.csv", {})

    first = fetch(settings(), target, NEW, tmp_path, NOW, data_dir=data_dir)

    assert first.path.read_bytes() == CONTENT
    again = fetch(settings(), target, first.validators, tmp_path, NOW, data_dir=data_dir)
    assert again.path is None
    with pytest.raises(FeedUnavailableError):
        fetch(settings(), Target("file:../x", {}), NEW, tmp_path, NOW, data_dir=data_dir)

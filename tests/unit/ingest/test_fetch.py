"""A data set is found, or downloaded from a real server and checked; simulated as a last resort."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.errors import DatasetRefusedError, SettingMissingError
from include.ingest.files.download import Dataset, Found, find_or_fetch, inside

CONTENT = b"Age,Result\n" + b"1,-1\n" * 50_000


class Mirror(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        kind = self.path.strip("/")
        if kind == "hang_up":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response({"gone": 404, "busy": 503}.get(kind, 200))
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        wrong = {"wrong": b"x" * len(CONTENT), "truncated": CONTENT[:70_000]}
        self.wfile.write(wrong.get(kind, CONTENT))
        if kind == "truncated":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def mirror():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def nobody():
    """An address that refuses connections: bound, never listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def dataset(*urls):
    return Dataset(
        name="some-set",
        file_names=("usual.csv", "Other Name.arff"),
        urls=urls,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def address(mirror, *kinds):
    return [f"http://127.0.0.1:{mirror.server_port}/{kind}" for kind in kinds]


def test_a_given_file_wins_and_is_taken_as_it_is(tmp_path, mirror):
    (tmp_path / "Other Name.arff").write_text("an excerpt")

    found = find_or_fetch(dataset(*address(mirror, "right")), tmp_path, tmp_path / "cache")

    assert found == Found(tmp_path / "Other Name.arff", "given")
    assert mirror.asked == []


def test_a_download_is_kept_and_asked_for_once(tmp_path, mirror):
    wanted = dataset(*address(mirror, "right"))

    first = find_or_fetch(wanted, None, tmp_path / "new" / "cache")
    second = find_or_fetch(wanted, None, tmp_path / "new" / "cache")

    assert first.path.read_bytes() == CONTENT
    assert (first.origin, second.origin) == ("download", "cache")
    assert first.path == second.path
    assert mirror.asked == ["/right"]


def test_a_data_directory_without_the_file_does_not_hinder_a_download(tmp_path, mirror):
    found = find_or_fetch(dataset(*address(mirror, "right")), tmp_path, tmp_path / "cache")

    assert found.origin == "download"


def test_a_damaged_cached_copy_is_downloaded_again(tmp_path, mirror):
    wanted = dataset(*address(mirror, "right"))
    kept = find_or_fetch(wanted, None, tmp_path).path
    kept.write_bytes(CONTENT[:-1])

    found = find_or_fetch(wanted, None, tmp_path)

    assert found.origin == "download"
    assert found.path.read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["wrong", "truncated", "gone", "busy", "hang_up"])
def test_the_next_mirror_makes_good_for_a_bad_one(tmp_path, mirror, fault):
    found = find_or_fetch(dataset(*address(mirror, fault, "right")), None, tmp_path)

    assert found.origin == "download"
    assert mirror.asked == [f"/{fault}", "/right"]


@pytest.mark.parametrize("fault", ["wrong", "truncated", "gone", "busy", "hang_up"])
def test_bad_bytes_from_every_mirror_are_refused_and_leave_nothing(tmp_path, mirror, fault):
    with pytest.raises(DatasetRefusedError, match=rf"some-set: not as pinned: .*/{fault}: "):
        find_or_fetch(dataset(*address(mirror, fault, fault)), None, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_reached_mirror_with_wrong_bytes_is_no_reason_to_simulate(tmp_path, mirror, nobody):
    with pytest.raises(DatasetRefusedError):
        find_or_fetch(dataset(nobody, *address(mirror, "wrong")), None, tmp_path)


def test_records_are_simulated_only_when_no_mirror_can_be_reached(tmp_path, nobody):
    found = find_or_fetch(dataset(nobody, "http://no-such-host.invalid/"), None, tmp_path)

    assert found == Found(None, "simulated")


def test_a_data_set_without_an_address_is_a_given_file_or_none(tmp_path):
    wanted = Dataset("some-set", ("usual.csv",))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "usual.csv").touch()

    assert find_or_fetch(wanted, tmp_path / "data", tmp_path).origin == "given"
    assert find_or_fetch(wanted, None, tmp_path) == Found(None, "simulated")


def test_a_host_out_of_reach_is_tried_once(tmp_path, nobody):
    tried = []

    def refuse(url, timeout):
        tried.append((url, timeout))
        raise TimeoutError

    found = find_or_fetch(dataset(nobody + "a", nobody + "b"), None, tmp_path, opener=refuse)

    assert found.origin == "simulated"
    assert tried == [(nobody + "a", 5.0)]


def test_a_mistyped_data_directory_is_named(tmp_path):
    with pytest.raises(SettingMissingError, match=r"NIGHTCATCH_DATA_DIR: .*nowhere"):
        find_or_fetch(dataset(), tmp_path / "nowhere", tmp_path)


def test_a_file_inside_the_data_directory_is_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").touch()

    assert inside(tmp_path, "sub/a.csv") == (tmp_path / "sub" / "a.csv").resolve()


@pytest.mark.parametrize(
    "name", ["../secret.csv", "/etc/hostname", "link.csv", "sub/../../secret.csv", ".", "absent"]
)
def test_no_name_leads_out_of_the_data_directory(tmp_path, name):
    data_dir = tmp_path / "data"
    (data_dir / "sub").mkdir(parents=True)
    (tmp_path / "secret.csv").touch()
    (data_dir / "link.csv").symlink_to(tmp_path / "secret.csv")

    with pytest.raises(DatasetRefusedError, match="no file within the data directory"):
        inside(data_dir, name)


@pytest.mark.parametrize(("folder", "name"), [(None, "a.csv"), ("data", None), ("data", "")])
def test_naming_a_file_needs_a_data_directory_and_a_name(tmp_path, folder, name):
    with pytest.raises(SettingMissingError):
        inside(tmp_path / folder if folder else None, name)

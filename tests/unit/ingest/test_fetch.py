"""A data set is found, or downloaded from a real server and verified, or there is none."""

import gzip
import hashlib
import io
import socket
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.contract.schema import InputField, Target
from include.errors import DatasetRefusedError, SettingMissingError
from include.ingest.files.download import (
    Address,
    Dataset,
    Found,
    find_or_fetch,
    inside,
    rows_digest,
)
from include.ingest.files.layout import Layout

LAYOUT = Layout((InputField("Age", "int8", (-1, 1)),), Target("Result", -1, 1))
CONTENT = b"Age,Result\n" + b"1,-1\n" * 20_000
ARFF = b"@relation p\n@attribute Age {-1,1}\n@attribute Result {-1,1}\n@data\n" + b"1,-1\n" * 20_000


def zipped(content, member="Training Dataset.arff"):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(member, content)
        opened.writestr("readme.txt", "x")
    return archive.getvalue()


BODIES = {
    "right": CONTENT,
    "again": CONTENT,
    "other_dialect": CONTENT.replace(b",", b";").replace(b"\n", b"\r\n"),
    "gzipped": gzip.compress(CONTENT),
    "zip": zipped(ARFF),
    "wrong": CONTENT + b"1,1\n",
    "short": CONTENT[:70_000],
    "html": b"<!DOCTYPE html><title>Moved</title>",
    "empty": b"",
    "no_zip": CONTENT,
    "zip_without_it": zipped(ARFF, "other.arff"),
    "zip_of_other_rows": zipped(ARFF + b"1,1\n"),
    "cut_zip": zipped(ARFF)[:-30],
    "damaged_zip": zipped(ARFF).replace(zipped(ARFF)[100:130], b"x" * 30),
    "member_of_html": zipped(b"<html>"),
}
ZIPS = ("zip", "no_zip", "zip_without_it", "zip_of_other_rows", "cut_zip", "damaged_zip")
ZIPS += ("member_of_html",)
STATUSES = {"gone": 404, "busy": 503, "forbidden": 403}
FAULTS = [
    name for name in BODIES if name not in ("right", "again", "other_dialect", "gzipped", "zip")
]
FAULTS += [*STATUSES, "truncated", "hang_up", "loop", "no_http"]


class Mirror(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        kind = self.path.strip("/")
        if kind == "hang_up":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if kind == "no_http":
            self.wfile.write(b"220 ready\r\n\r\n")
            return
        if kind == "loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
            return
        body = BODIES.get(kind, CONTENT)
        self.send_response(STATUSES.get(kind, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(CONTENT[:70_000] if kind == "truncated" else body)
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
    members = {True: "Training Dataset.arff", False: ""}
    return Dataset(
        name="some-set",
        file_names=("usual.csv", "Other Name.arff"),
        addresses=tuple(Address(url, members[url.rsplit("/")[-1] in ZIPS]) for url in urls),
        rows_sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def fetch(wanted, data_dir, cache_dir, **options):
    return find_or_fetch(wanted, LAYOUT, data_dir, cache_dir, **options)


def address(mirror, *kinds):
    return [f"http://127.0.0.1:{mirror.server_port}/{kind}" for kind in kinds]


def test_the_digest_of_rows_is_that_of_the_plain_csv_file(tmp_path):
    for name in ("right", "other_dialect", "gzipped"):
        (tmp_path / name).write_bytes(BODIES[name])
        assert rows_digest(tmp_path / name, LAYOUT) == hashlib.sha256(CONTENT).hexdigest()


def test_a_given_file_wins_and_is_taken_as_it_is(tmp_path, mirror):
    (tmp_path / "Other Name.arff").write_text("an excerpt")

    found = fetch(dataset(*address(mirror, "right")), tmp_path, tmp_path / "cache")

    assert found == Found(tmp_path / "Other Name.arff", "given")
    assert mirror.asked == []


@pytest.mark.parametrize("kind", ["right", "other_dialect", "gzipped", "zip"])
def test_a_download_of_the_rows_is_kept_in_any_format_and_fetched_once(tmp_path, mirror, kind):
    wanted = dataset(*address(mirror, kind))

    first = fetch(wanted, None, tmp_path / "new" / "cache")
    second = fetch(wanted, None, tmp_path / "new" / "cache")

    assert (first.origin, second.origin) == ("download", "cache")
    assert first.path == second.path
    assert rows_digest(first.path, LAYOUT) == wanted.rows_sha256
    assert mirror.asked == [f"/{kind}"]
    assert list(first.path.parent.iterdir()) == [first.path]


def test_a_data_directory_without_the_file_does_not_hinder_a_download(tmp_path, mirror):
    found = fetch(dataset(*address(mirror, "right")), tmp_path, tmp_path / "cache")

    assert found.origin == "download"


def test_a_damaged_cached_copy_is_downloaded_again(tmp_path, mirror):
    wanted = dataset(*address(mirror, "right"))
    kept = fetch(wanted, None, tmp_path).path
    kept.write_bytes(CONTENT[:-6])

    found = fetch(wanted, None, tmp_path)

    assert found.origin == "download"
    assert found.path.read_bytes() == CONTENT


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_address_makes_good_for_a_bad_one(tmp_path, mirror, fault):
    found = fetch(dataset(*address(mirror, fault, "again")), None, tmp_path)

    assert found.origin == "download"
    assert mirror.asked[-1] == "/again"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_source_is_named_with_its_reason_and_leaves_nothing(tmp_path, mirror, fault):
    found = fetch(dataset(*address(mirror, fault)), None, tmp_path)

    assert (found.path, found.origin) == (None, "simulated")
    (reason,) = found.reasons
    url, _, why = reason.partition(f"/{fault}: ")
    assert url.startswith("http://127.0.0.1:")
    assert why
    assert list(tmp_path.iterdir()) == []


def test_an_address_out_of_reach_is_a_reason_too(tmp_path, nobody):
    found = fetch(dataset(nobody, "http://no-such-host.invalid/"), None, tmp_path)

    assert found.origin == "simulated"
    assert all("unreachable" in reason for reason in found.reasons)
    assert len(found.reasons) == 2


def test_a_download_without_end_is_given_up(tmp_path, mirror):
    found = fetch(dataset(*address(mirror, "right")), None, tmp_path, deadline_s=0.0)

    assert found.origin == "simulated"
    assert "not finished" in found.reasons[0]


def test_a_cache_that_cannot_be_written_is_a_reason(tmp_path, mirror):
    (tmp_path / "cache").write_text("a file")

    found = fetch(dataset(*address(mirror, "right")), None, tmp_path / "cache")

    assert found.origin == "simulated"
    assert len(found.reasons) == 1


def test_a_data_set_without_an_address_is_a_given_file_or_none(tmp_path):
    wanted = Dataset("some-set", ("usual.csv",))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "usual.csv").touch()

    assert fetch(wanted, tmp_path / "data", tmp_path).origin == "given"
    assert fetch(wanted, None, tmp_path) == Found(None, "simulated")


def test_a_host_out_of_reach_is_tried_once(tmp_path, nobody):
    tried = []

    def refuse(url, timeout):
        tried.append((url, timeout))
        raise TimeoutError

    found = fetch(dataset(nobody + "a", nobody + "b"), None, tmp_path, opener=refuse)

    assert found.origin == "simulated"
    assert tried == [(nobody + "a", 5.0)]


def test_a_mistyped_data_directory_is_named(tmp_path):
    with pytest.raises(SettingMissingError, match=r"NIGHTCATCH_DATA_DIR: .*nowhere"):
        fetch(dataset(), tmp_path / "nowhere", tmp_path)


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

    with pytest.raises(DatasetRefusedError, match="within the data directory"):
        inside(data_dir, name)


@pytest.mark.parametrize(("folder", "name"), [(None, "a.csv"), ("data", None), ("data", "")])
def test_naming_a_file_needs_a_data_directory_and_a_name(tmp_path, folder, name):
    with pytest.raises(SettingMissingError):
        inside(tmp_path / folder if folder else None, name)

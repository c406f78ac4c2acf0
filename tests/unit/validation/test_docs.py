"""Data Docs stand alone: they load nothing from another host, and show no record as HTML."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from include.errors import ManifestError, ObjectMissingError
from include.validation.data_docs import build
from include.validation.data_docs.assets import media_type, read_asset
from include.validation.data_docs.build import fetch_source, publish_docs
from include.validation.drift import measure_drift
from tests.support.validation import GX_ROOT, RUN_ID

SAFE_RUN_ID = "manual__2026-11-21T05_30_00_00_00"
VENDORED = Path(build.__file__).parent / "vendor"
HOSTILE = "<script>document.title='owned'</script>\"'><img src=//evil.example/x onerror=alert(1)>"
CSS_ADDRESS = re.compile(r"""url\(\s*['"]?([^)'"]+)|@import\s+['"]([^'"]+)""")


class Page(HTMLParser):
    """The addresses a page names, and the elements it has."""

    def __init__(self, html):
        super().__init__()
        self.addresses, self.tags, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append((tag, named))
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            if named.get(name):
                self.addresses.append(named[name])
        self.text.append(named.get("style") or "")

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def hostile(frame, apply_gate, tmp_path):
    """Docs of records that hold markup wherever a record can hold text."""
    frame["port"] = frame["port"].astype(object)
    frame.loc[3, "_id"] = HOSTILE
    frame.loc[3, "SFH"] = 7
    frame.loc[4, "port"] = HOSTILE
    outcome = apply_gate(frame.assign(**{HOSTILE: np.float32(1)}))
    measure_drift(
        frame,
        frame.head(1000),
        ["port", "SFH"],
        pipeline="sites",
        reference_name="20261121T020513Z-3f9a1c2b",
        gx_root=GX_ROOT,
        run_id=RUN_ID,
        work_dir=tmp_path,
    )
    return outcome.docs_dir


def html_pages(site):
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    assert len(pages) >= 7
    return pages


def test_no_page_names_another_host(hostile):
    foreign = [
        f"{path.name}: {address}"
        for path, page in html_pages(hostile).items()
        for address in page.addresses
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    ]
    styles = {
        Path(name): read_asset(name).decode() for name in _assets(hostile) if name.endswith(".css")
    }
    styles |= {path: "\n".join(page.text) for path, page in html_pages(hostile).items()}
    foreign += [
        f"{path.name}: {address}"
        for path, style in styles.items()
        for address in map("".join, CSS_ADDRESS.findall(style))
        if not address.startswith("data:") and "//" in address
    ]

    assert len(styles) > 8
    assert foreign == []


def _targets(site):
    """Every file that a page of the site names."""
    for path, page in html_pages(site).items():
        if "source" not in path.relative_to(site).parts:
            for address in page.addresses:
                if named := urlsplit(address).path:
                    yield (path.parent / unquote(named)).resolve()


def _assets(site):
    """Those that are shared by all sites, as the address below their folder."""
    shared = site.parents[1] / "vendor"
    targets = set(_targets(site))
    return [path.relative_to(shared).as_posix() for path in targets if shared in path.parents]


def test_every_address_is_a_file(hostile):
    shared = hostile.parents[1] / "vendor"
    own = {path for path in _targets(hostile) if shared not in path.parents}

    assert [path for path in own if not path.is_file()] == []
    assert all(read_asset(name) and media_type(name) for name in _assets(hostile))
    assert len(_assets(hostile)) > 12


@pytest.mark.parametrize(
    "path",
    [
        *("jquery-3.7.1/../../build.py", "../build.py", "nightcatch/../build.py", "/etc/passwd"),
        *("great_expectations/../../__init__.py", "nowhere/x.js", "nightcatch", "", "VENDOR.md"),
    ],
)
def test_no_other_file_of_the_installation_is_an_asset(path):
    with pytest.raises(ObjectMissingError):
        media_type(path)
        read_asset(path)


def test_what_records_hold_is_shown_and_never_markup(hostile):
    pages = html_pages(hostile)
    tags = [(path.name, tag, named) for path, page in pages.items() for tag, named in page.tags]
    shown = [path.name for path, page in pages.items() if HOSTILE in "".join(page.text)]

    assert [each for each in tags if each[2].get("onerror") or "evil" in str(each[2])] == []
    assert not any("title='owned'" in text for text in _scripts(hostile))
    assert {"quarantine.html", "records-sites.html"} <= set(shown)


def _scripts(site):
    for path in site.rglob("*.html"):
        yield from re.findall(r"<script[^>]*>(.*?)</script>", path.read_text(), re.DOTALL)


def test_the_index_leads_to_every_result(hostile):
    index = Page((hostile / "index.html").read_text())

    assert {"quarantine.html", "drift.html"} <= set(index.addresses)
    for folder in ("expectations/sites", "validations/sites/", "validations/sites_drift/"):
        assert folder in (hostile / "index.html").read_text()
    results = [name for name in index.addresses if name.startswith("validations/")]
    assert {Path(name).parts[1] for name in results} == {"sites", "sites_drift"}
    assert all((hostile / name).is_file() for name in results)


def test_results_say_how_to_read_them_and_lead_to_their_outcome(hostile, suite):
    outcomes = {}
    for path in sorted(hostile.glob("validations/*/*/*/*.html")):
        page = Page(path.read_text())
        (sent,) = (
            name for name in page.addresses if Path(name).name in ("quarantine.html", "drift.html")
        )
        outcomes[path.relative_to(hostile).parts[1]] = (path.parent / sent).resolve()
        shares = "Phishing has between 5 % and 95 % of the labelled records"
        assert (shares in "".join(page.text)) == ("quarantine" in sent)
        legend = suite["meta"]["legend"] if "quarantine" in sent else "a column that moved"
        assert legend in "".join(page.text)

    assert outcomes == {
        "sites": hostile / "quarantine.html",
        "sites_drift": hostile / "drift.html",
    }


def test_pages_say_what_to_do_and_what_the_figures_mean(hostile, frame, apply_gate, suite):
    quarantine, drift = ((hostile / f"{name}.html").read_text() for name in ("quarantine", "drift"))
    refused = (apply_gate(frame.assign(Result=1)).docs_dir / "quarantine.html").read_text()

    assert "the others are in quarantine" in quarantine
    assert "fix these records in MongoDB" in quarantine
    assert suite["meta"]["legend"] in quarantine
    assert "as frequent as in the records of the" in drift
    assert "fix the source of the records" in refused
    assert all("<code>loaded_from</code>" in page for page in (quarantine, refused))


def test_without_a_quarantined_row_there_is_nothing_to_do(frame, apply_gate):
    assert "What to do" not in (apply_gate(frame).docs_dir / "quarantine.html").read_text()


def test_without_a_quarantined_row_there_is_no_table_of_reasons(frame, apply_gate):
    page = (apply_gate(frame).docs_dir / "quarantine.html").read_text()

    assert "No record is in quarantine." in page
    assert "Reason" not in page


def test_the_log_holds_no_small_talk_of_great_expectations(frame, apply_gate, caplog):
    caplog.set_level("INFO")

    apply_gate(frame)

    said = {record.name for record in caplog.records if record.levelname == "INFO"}
    assert "include.validation.validate" in said
    assert [name for name in said if name.startswith("great_expectations.")] == []


def test_quarantined_rows_stand_with_their_reasons(frame, apply_gate):
    frame.loc[3, "SFH"] = 7

    page = (apply_gate(frame).docs_dir / "quarantine.html").read_text()

    assert "1,999 of 2,000 records are accepted" in page
    assert "<td>record-3</td><td>SFH holds 7, allowed are -1, 0 and 1</td>" in page


def test_a_refused_set_says_so_in_the_docs(frame, apply_gate):
    page = (apply_gate(frame.head(100)).docs_dir / "quarantine.html").read_text()

    assert "nothing is trained on them" in page
    assert "there are 100 records; at least 500 are needed" in page


def test_vendored_files_are_small_licensed_and_all_used():
    files = [path for path in VENDORED.rglob("*") if path.is_file()]
    folders = {path.name for path in VENDORED.iterdir() if path.is_dir()}
    named = set(json.loads((VENDORED / "addresses.json").read_text()).values())
    notes = (VENDORED / "VENDOR.md").read_text()

    assert max(path.stat().st_size for path in files) <= 1024 * 1024
    assert {name.split("/")[0] for name in named} == folders
    assert all((VENDORED / name).is_file() for name in named)
    assert all(re.search(r"-([\d.]+)$", name).group(1) in notes for name in folders)
    assert {path.suffix for path in files} <= {"", ".css", ".js", ".woff2", ".json", ".md"}


class MemoryBucket:
    """Objects in a dict."""

    def __init__(self):
        self.objects, self.types, self.order = {}, {}, []

    def put(self, key, body, content_type):
        self.objects[key], self.types[key] = body, content_type
        self.order.append(key)

    def get(self, key):
        return self.objects[key]

    def keys_under(self, prefix):
        return [key for key in self.objects if key.startswith(prefix)]

    def delete(self, key):
        del self.objects[key]


def test_published_docs_are_the_run_s_own_pages_and_the_index_comes_last(frame, apply_gate):
    bucket = MemoryBucket()
    index = publish_docs(apply_gate(frame).docs_dir, bucket, "sites", RUN_ID)

    assert index == f"docs/sites/{SAFE_RUN_ID}/index.html" == bucket.order[-1]
    assert {key.split("/")[1] for key in bucket.objects} == {"sites"}
    assert set(bucket.types.values()) == {"text/html; charset=utf-8", "application/json"}


@pytest.mark.parametrize(
    "name", ["../../evil.json", "/etc/evil.json", "..", "a//b", "a\\b", ".hidden", "x\0y", "a/./b"]
)
def test_a_key_that_is_no_plain_path_is_refused_before_anything_is_written(tmp_path, name):
    bucket = MemoryBucket()
    source = f"docs/sites/{SAFE_RUN_ID}/source/"
    bucket.objects = {f"{source}expectations/sites.json": b"{}", source + name: b"evil"}

    with pytest.raises(ManifestError, match="safe path"):
        fetch_source(bucket, "sites", RUN_ID, tmp_path / "work")

    assert list(tmp_path.rglob("*")) == []


def test_a_repeated_attempt_replaces_the_docs_of_the_first(frame, apply_gate, tmp_path):
    bucket = MemoryBucket()
    for attempt in ("first", "second"):
        folder = tmp_path / attempt
        folder.mkdir()
        publish_docs(apply_gate(frame, work_dir=folder).docs_dir, bucket, "sites", RUN_ID)

    published = set(bucket.objects)
    site = tmp_path / "second" / "docs"
    assert published == {
        f"docs/{path.relative_to(site).as_posix()}"
        for path in (site / "sites").rglob("*")
        if path.is_file()
    }


def test_a_later_step_elsewhere_adds_to_the_same_docs(frame, apply_gate, tmp_path):
    bucket = MemoryBucket()
    frame.loc[3, "SFH"] = 7
    publish_docs(apply_gate(frame).docs_dir, bucket, "sites", RUN_ID)
    elsewhere = tmp_path / "elsewhere"

    fetch_source(bucket, "sites", RUN_ID, elsewhere)
    outcome = measure_drift(
        frame,
        frame,
        ["port"],
        pipeline="sites",
        reference_name="the champion",
        gx_root=GX_ROOT,
        run_id=RUN_ID,
        work_dir=elsewhere,
    )

    index = Page((outcome.docs_dir / "index.html").read_text())
    assert {"quarantine.html", "drift.html"} <= set(index.addresses)
    assert "record-3" in (outcome.docs_dir / "quarantine.html").read_text()
    assert list(outcome.docs_dir.glob("validations/sites/*/*/*.html"))
    assert list(outcome.docs_dir.glob("validations/sites_drift/*/*/*.html"))

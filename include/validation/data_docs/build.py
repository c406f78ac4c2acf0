"""Build the Data Docs of one run so that they work without the internet, and publish them.

Great Expectations' pages load scripts, styles and a tracking logo from other hosts. Each such
address becomes a relative path below ``vendor``, beside the pipelines' folders, where
`include.validation.data_docs.serve` serves the files of the installation.
"""

import json
import posixpath
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from include.contract import keys
from include.validation.data_docs.assets import (
    GREAT_EXPECTATIONS,
    HERE,
    STATIC,
    VENDOR,
    media_type,
    without_foreign_urls,
)

if TYPE_CHECKING:  # imports pandas, which a server of pages does not need
    from include.validation.project import Project

QUARANTINE_PAGE = "quarantine.html"
DRIFT_PAGE = "drift.html"
DRIFT_SUFFIX = "_drift"
_PAGES = {
    QUARANTINE_PAGE: "What was decided of the records, which are in quarantine, and what to do",
    DRIFT_PAGE: "How far the records have moved from those of the champion",
}
# What a failed rule of a suite's results means, above the link to the page with its outcome.
_MEANINGS = {
    QUARANTINE_PAGE: "A rule that failed for single records sends these to quarantine, and "
    "training goes on without them. One that failed for the whole set stops the run, unless it is "
    "only a warning. Where a rule observes no single value there is --.",
    DRIFT_PAGE: "A failed rule has found a column that moved: a warning, or, beyond a second "
    "limit, what keeps the new version from being approved.",
}
_SOURCE = "source"

_LOGO = re.compile(r'https://great-expectations-web-assets[^"]*/logo-long\.png[^"]*')
_LOCAL_STATIC = re.compile(r'"(?:\.{1,2}/)*static/')
_FOREIGN_LINK = re.compile(r'(href|src|action)="https?://[^"]*"')
_NEWSLETTER = re.compile(r"<footer>.*?</footer>", re.DOTALL)
_CONTENT = '<div class="container-fluid'
_INTEGRITY = re.compile(r'\s(?:integrity|crossorigin)="[^"]*"')


class Bucket(Protocol):
    """What publishing needs of an object store."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Leave `body` under `key`."""

    def get(self, key: str) -> bytes:
        """Return the object's content."""

    def keys_under(self, prefix: str) -> Iterable[str]:
        """Yield every key under `prefix`."""

    def delete(self, key: str) -> None:
        """Return when nothing is under `key`."""


def site_dir(work_dir: Path, pipeline: str, run_id: str) -> Path:
    """Return where a run's pages lie in its working folder: laid out as in the bucket."""
    return work_dir / keys.docs_prefix(pipeline, run_id)


def build_docs(project: "Project", pipeline: str, run_id: str, pages: Mapping[str, str]) -> Path:
    """Return the folder of the run's pages, which name no other host.

    Parameters
    ----------
    project : Project
        With the results of every suite that this run has evaluated.
    pipeline, run_id : str
    pages : mapping of str to str
        This step's own pages, by `QUARANTINE_PAGE` or `DRIFT_PAGE`; the index links to them and
        to those of earlier steps.
    """
    site = site_dir(project.root, pipeline, run_id)
    for earlier in (site, project.built_site):
        shutil.rmtree(earlier, ignore_errors=True)
    project.context.build_data_docs()
    addresses = _addresses()
    for page in sorted(project.built_site.rglob("*.html")):
        relative = page.relative_to(project.built_site)
        base = posixpath.join(*[".."] * (len(relative.parts) + 1), VENDOR)
        target = site / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(localise(page.read_text(), base, addresses))
    _write_pages(project, site, pages)
    _keep_source(project, site / _SOURCE)
    return site


def localise(html: str, base: str, addresses: Mapping[str, str]) -> str:
    """Return a page that loads from `base` what it loaded from other hosts.

    Parameters
    ----------
    html : str
    base : str
        Relative path from the page to the shared folder.
    addresses : mapping of str to str
        Path below `base` by the address it stands for.
    """
    for address, path in addresses.items():
        html = html.replace(f'"{address}"', f'"{base}/{path}"')
    html = _LOGO.sub(f"{base}/{GREAT_EXPECTATIONS}/static/images/logo-long.png", html)
    html = _LOCAL_STATIC.sub(f'"{base}/{GREAT_EXPECTATIONS}/static/', html)
    html = without_foreign_urls(_NEWSLETTER.sub("", html))
    html = html.replace("<html>", '<html lang="en">', 1).replace(
        "</head>", f"{head(base)}\n</head>", 1
    )
    return _FOREIGN_LINK.sub(r'\1="#"', _INTEGRITY.sub("", html))


def head(base: str) -> str:
    """Return the end of each page's head: our styles and the script that opens links.

    Parameters
    ----------
    base : str
        Relative path from the page to the shared folder.
    """
    return (
        f'<link rel="stylesheet" href="{base}/{STATIC}/docs.css">\n'
        f'<script src="{base}/{STATIC}/docs.js"></script>'
    )


def publish_docs(site: Path, store: Bucket, pipeline: str, run_id: str) -> str:
    """Put a run's Data Docs into the bucket and return the key of their index.

    Pages of an earlier attempt of the run are gone then.

    Parameters
    ----------
    site : Path
        What `build_docs` returned.
    store : Bucket
    pipeline, run_id : str
    """
    prefix = keys.docs_prefix(pipeline, run_id)
    pages = {prefix + path.relative_to(site).as_posix(): path for path in _files(site)}
    index = f"{prefix}index.html"
    for key in sorted(pages, key=lambda key: (key == index, key)):
        store.put(key, pages[key].read_bytes(), media_type(key))
    for key in set(store.keys_under(prefix)) - set(pages):
        store.delete(key)
    return index


def fetch_source(store: Bucket, pipeline: str, run_id: str, work_dir: Path) -> None:
    """Write the results of the run's earlier steps into `work_dir`.

    A later step on another machine adds its own results to the same Data Docs.

    Raises
    ------
    ManifestError
        If a key is not a safe path; nothing is written then.
    """
    prefix = keys.docs_prefix(pipeline, run_id) + _SOURCE + "/"
    paths = {key: keys.path_below(prefix, key) for key in store.keys_under(prefix)}
    for key, path in paths.items():
        target = work_dir / "gx" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.get(key))


def _addresses() -> dict[str, str]:
    addresses: dict[str, str] = json.loads((HERE / VENDOR / "addresses.json").read_text())
    return addresses


def _write_pages(project: "Project", site: Path, pages: Mapping[str, str]) -> None:
    kept = project.folder / "pages"
    kept.mkdir(exist_ok=True)
    for name, html in pages.items():
        (kept / name).write_text(html)
    present = [name for name in _PAGES if (kept / name).exists()]
    for name in present:
        shutil.copyfile(kept / name, site / name)
    titles = {name: _PAGES[name] for name in present}
    for path in sorted(site.glob("validations/*/*/*/*.html")):
        result = path.relative_to(site)
        titles[result.as_posix()] = f"Every rule of the suite {result.parts[1]}, one by one"
        _put_above(path, _meaning(project, result, present))
    links = "<br>".join(f'<a href="{name}">{title}</a>' for name, title in titles.items())
    _put_above(site / "index.html", links)


def _meaning(project: "Project", result: Path, present: Sequence[str]) -> str:
    """Return the note on how to read a page of results, and where its outcome is."""
    suite = result.parts[1]
    page = DRIFT_PAGE if suite.endswith(DRIFT_SUFFIX) else QUARANTINE_PAGE
    stored = json.loads((project.folder / "expectations" / f"{suite}.json").read_text())
    said = [_MEANINGS[page], escape(stored.get("meta", {}).get("legend", ""))]
    if page in present:
        to = "/".join([".."] * (len(result.parts) - 1) + [page])
        said.append(f'<a href="{to}">{_PAGES[page]}</a>')
    return "<br>".join(filter(None, said))


def _put_above(page: Path, said: str) -> None:
    """Add a banner to a page of Great Expectations, above all else of its content."""
    banner = f'<div class="alert alert-info m-3">{said}</div>{_CONTENT}'
    page.write_text(page.read_text().replace(_CONTENT, banner, 1))


def _keep_source(project: "Project", target: Path) -> None:
    for name in ("expectations", "validations", "pages"):
        shutil.copytree(
            project.folder / name,
            target / name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(".ge_store_backend_id"),
        )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())

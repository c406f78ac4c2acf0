"""Reference data made of a downloaded popularity list, as its DAG does it."""

import zipfile
from datetime import UTC, datetime

import pytest

from include.contract import keys
from include.errors import FeedUnavailableError
from include.ingest.feeds.settings import read_feeds
from include.registry.references import current_digest, read_current, read_reference_bytes
from include.run.first_attempt import TrainerKeys
from include.run.refresh_reference import refresh_reference
from include.stores.objects import ObjectStore
from include.urls.address import take_apart
from include.urls.reference import SOURCES
from include.urls.reference.container import from_bytes
from tests.support.signed_versions import Signer

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
LINES = "".join(f"{rank},site{rank}.com\n" for rank in range(1, 301))
SETTINGS = """
[feeds.{name}]
address = "file:{name}"
format = "ranks"
label = "legitimate"
licence = "none"
terms = "none"
seen = "a test"
enabled = true
expected = [100, 1000]
"""


class Site:
    """A bucket, and a folder that popularity lists lie in."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        signer = Signer.new(folder, "trainer")
        self.trainer = TrainerKeys(signer.key, signer.trusted)

    def offer(self, name, text, *, zipped=False):
        path = self.folder / name
        if zipped:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("top-1m.csv", text)
        else:
            path.write_text(text)

    def refresh(self, *names):
        settings = self.folder / "sources.toml"
        settings.write_text("".join(SETTINGS.format(name=name) for name in names))
        work_dir = self.folder / "work"
        return refresh_reference(
            self.store, read_feeds(settings), work_dir, NOW, self.trainer, data_dir=self.folder
        )

    def rank(self, url):
        body = read_reference_bytes(self.store, current_digest(self.store, self.trainer.trusted))
        return from_bytes(body).facts(take_apart(url)).domain_rank


@pytest.fixture
def site(s3, bucket, tmp_path):
    return Site(ObjectStore(s3.client(), bucket), tmp_path)


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "in a ZIP archive"])
def test_list_becomes_the_reference_data_of_the_next_run(site, zipped):
    site.offer("a", LINES, zipped=zipped)

    current = site.refresh("a")

    assert current == read_current(site.store, site.trainer.trusted)
    assert current_digest(site.store, site.trainer.trusted) == current.digest
    assert (site.rank("site16.com"), site.rank("site256.com")) == (4.0, 8.0)


def test_unchanged_list_is_not_built_again(site):
    site.offer("a", LINES)

    assert site.refresh("a") == site.refresh("a")


@pytest.mark.parametrize("body", [b"not JSON", b'{"digest": "ab"}'], ids=["damaged", "unsigned"])
def test_what_no_trainer_signed_is_replaced(site, body):
    site.offer("a", LINES)
    site.store.put(keys.current_reference(), body)

    assert site.refresh("a") == read_current(site.store, site.trainer.trusted)


@pytest.mark.parametrize(
    "broken", ["<html>rate limit</html>", "", "1,site1.com\n", LINES.replace("7,", "seven,", 1)]
)
def test_broken_source_is_passed_over_and_alone_changes_nothing(site, broken):
    site.offer("a", LINES)
    before = site.refresh("a")
    site.offer("b", broken)

    assert site.refresh("b", "a").digest == before.digest
    with pytest.raises(FeedUnavailableError, match="stay in use"):
        site.refresh("b")
    assert read_current(site.store, site.trainer.trusted) == before


def test_declared_sources_are_in_order():
    assert [each.name for each in read_feeds(SOURCES).feeds] == ["tranco", "umbrella"]

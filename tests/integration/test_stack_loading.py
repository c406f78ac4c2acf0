"""`./nightcatch load` puts a file or a list into a real MongoDB and says what came of it."""

import pymongo
import pytest

from include import pipelines
from include.cli.commands.load import load_source
from include.cli.screen import Screen
from include.errors import SettingMissingError
from include.stores.documents import DATABASE

URLS = pipelines.get("urls")


@pytest.fixture
def load(mongo_url, tmp_path):
    def load(source, **options):
        return load_source(mongo_url, URLS, str(source), None, tmp_path, Screen(), **options)

    yield load
    with pymongo.MongoClient(mongo_url) as client:
        client.drop_database(DATABASE)


def test_a_list_of_urls_is_loaded_with_the_label_typed(load, tmp_path, mongo_url, capsys):
    path = tmp_path / "list.txt"
    path.write_text("# from the hotline\nhttp://a.example/login\nhttp://www.A.example/login\n")

    load(path, label="phishing", source_name="hotline")

    with pymongo.MongoClient(mongo_url) as client:
        (document,) = client[DATABASE].urls.find({}, {"_id": False})
    assert document == {
        "url": "http://a.example/login",
        "label": 1,
        "source": "hotline",
        "loaded_from": "list.txt",
    }
    assert "list.txt: 1 records added, 1 were there, 0 bad lines" in capsys.readouterr().out


def test_earlier_reports_and_bad_lines_are_said(load, tmp_path, capsys):
    path = tmp_path / "feed.csv"
    for day in ("2026-02-01", "2026-01-01"):
        path.write_text(f"url,label,date\nhttp://a.example,1,{day}\nhttp://b.example,maybe,\n")
        load(path)

    said = capsys.readouterr().out
    assert "1 of them are now known from an earlier day" in said
    assert "line 3: label: 'maybe' is not a whole number" in said


def test_a_label_without_a_file_is_refused(load):
    with pytest.raises(SettingMissingError, match="describe a file: name it"):
        load("auto", label="phishing")

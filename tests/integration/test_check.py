"""`./nightcatch check` scores URLs with the version in production, without a server."""

import gzip
import io
import json
import sys

import pytest

from include.pipelines.urls.records import LAYOUT
from include.urls.reference.build import built_in_bytes
from tests.support.cli_session import open_cli_session
from tests.support.onnx_graphs import text_classifier
from tests.support.signed_versions import TextVersion, promote, version_name

NAME = version_name(1)
MODEL_FILES = {"model.onnx": text_classifier(), "reference.bin": built_in_bytes()}
BAD, GOOD = "http://bad.example/login", "https://good.example/"


@pytest.fixture(scope="module")
def cli(tmp_path_factory):
    with open_cli_session(tmp_path_factory.mktemp("state")) as cli:
        version = TextVersion(NAME, MODEL_FILES, "urls", LAYOUT.fields)
        promote(cli.store, version, cli.trainer, cli.approver)
        yield cli


@pytest.fixture
def check(cli, capsys, monkeypatch):
    def run(*texts, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.run("check", "--json", *texts)
        printed = capsys.readouterr()
        return code, [json.loads(line) for line in printed.out.splitlines()], printed.err

    return run


def verdicts_of(lines):
    return [(line["url"], line["prediction"]) for line in lines]


def test_the_exit_code_is_that_of_the_worst_verdict(check):
    assert check(GOOD)[0] == 0
    assert check(GOOD, "hello world")[0] == 1
    assert check(GOOD, "hello world", BAD)[0] == 5


def test_a_defanged_url_is_read(check):
    code, (line,), _ = check("hxxp://bad[.]example/login")

    assert code == 5
    assert line["scored_url"] == BAD
    assert line["prediction"] == "Phishing"
    assert line["model"] == {"pipeline": "urls", "version": NAME, "serial": 1}


MAIL = f"From: a@a.example\nContent-Type: text/html\n\n<a href='{BAD}'>{GOOD}</a>\n".encode()
FILES = {
    "list.txt": f"# a list\n{GOOD}\n\n{BAD}\n".encode(),
    "list.txt.gz": gzip.compress(f"{GOOD}\n{BAD}\n".encode()),
    "labelled.csv": f"url,label\n{GOOD},0\n{BAD},1\n".encode(),
    "table.csv": f"id,url\n1,{GOOD}\n2,{BAD}\n".encode(),
    "prose.txt": f"We saw {GOOD} and then\n{BAD}, which looks bad.\n".encode(),
    "mail.eml": MAIL,
    "page.html": f"<p>{GOOD}<a href='{BAD}'>x</a></p>".encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_urls_of_a_file(check, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])

    code, lines, err = check(str(path))

    assert code == 5, err
    assert sorted(verdicts_of(lines)) == [(BAD, "Phishing"), (GOOD, "Legitimate")]


@pytest.mark.parametrize("body", [FILES["list.txt"], FILES["prose.txt"], MAIL])
def test_urls_of_standard_input(check, body):
    code, lines, _ = check("-", stdin=body)

    assert code == 5
    assert len(lines) == 2


def test_a_line_that_is_no_url_is_named_and_the_others_are_scored(check, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{GOOD}\njavascript:alert(1)\n{GOOD}x\n")

    code, lines, err = check(str(path))

    assert code == 1
    assert len(lines) == 2
    assert "line 2" in err


@pytest.fixture(scope="class")
def without_s3(cli):
    assert cli.run("check", GOOD) == 0
    cli.stack.s3.process.stop()
    yield
    with cli.stack.starting(lambda text: None, [cli.stack.s3]):
        pass


@pytest.mark.usefixtures("without_s3")
class TestWithoutS3:
    def test_the_last_verified_version_scores(self, check):
        code, (line,), err = check(BAD)

        assert code == 5
        assert line["model"]["version"] == NAME
        assert NAME in err

    def test_a_version_on_disk_that_was_changed_is_refused(self, check, cli):
        (model,) = (cli.stack.settings.state_dir / "versions" / "urls").rglob("model.onnx")
        body = model.read_bytes()
        model.write_bytes(body + b"x")

        code, lines, err = check(BAD)

        model.write_bytes(body)
        assert (code, lines) == (1, [])
        assert "demo --pipeline urls" in err

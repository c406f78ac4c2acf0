"""`./nightcatch score` scores files into Parquet or CSV, and goes on after any kill."""

import csv
import gzip
import json
import random
import signal
import subprocess
import sys

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from include.pipelines.urls.records import LAYOUT
from include.registry.lists import ListChange, change_list, list_entry
from include.urls.reference.build import built_in_bytes
from tests.support.cli_session import ROOT, open_cli_session
from tests.support.onnx_graphs import text_classifier
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import TextVersion, promote, url_version, version_name
from tests.support.waiting import wait_until

NAME = version_name(1)
MODEL_FILES = {"model.onnx": text_classifier(), "reference.bin": built_in_bytes()}
BAD, GOOD = "http://bad.example/login", "https://good.example/"
AT = "2026-11-21T02:06:00+00:00"
READABLE = {
    BAD: ("Phishing", "model"),
    "hxxp://bad[.]example/x": ("Phishing", "model"),
    GOOD: ("Legitimate", "model"),
    "https://blocked.example/a": ("Phishing", "block list"),
    "http://bad.example/fine/a": ("Legitimate", "allow list"),
    "http://192.168.0.1/login": ("Legitimate", "local address"),
}
UNREADABLE = ("javascript:alert(1)", "hello world")
# A bad row stands before, between and behind good ones.
URLS = [UNREADABLE[0], *READABLE, UNREADABLE[1], GOOD, ""]


@pytest.fixture(scope="module")
def cli(tmp_path_factory):
    with open_cli_session(tmp_path_factory.mktemp("state")) as cli:
        version = TextVersion(NAME, MODEL_FILES, "urls", LAYOUT.fields)
        promote(cli.store, version, cli.trainer, cli.approver)
        entries = (("block", "host", "blocked.example"), ("allow", "path", "bad.example/fine"))
        by = {"reason": "a test", "author": "ann", "added_at": AT}
        added = tuple(list_entry(*entry, **by) for entry in entries)
        asked = ListChange("urls", "ann", AT, "a test", "run-1", add=added)
        change_list(cli.store, asked, cli.approver.key, cli.approver.trusted)
        yield cli


@pytest.fixture
def score(cli, capsys):
    def run(*arguments):
        code = cli.run("score", "--json", *map(str, arguments))
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else None, printed.err

    return run


def rows_of(path):
    return pq.read_table(path).to_pylist()


def written(folder, name, urls):
    path = folder / name
    cells = [(f"u{number}", url) for number, url in enumerate(urls)]
    match name.partition(".")[2]:
        case "parquet":
            ids, urls = zip(*cells, strict=True)
            table = pa.table({"user": ids, "Full URL": [url or None for url in urls]})
            pq.write_table(table, path, row_group_size=3)
        case "csv.gz":
            with gzip.open(path, "wt") as file:
                csv.writer(file).writerows([("user", "link"), *cells])
        case "csv":
            with path.open("w") as file:
                csv.writer(file).writerows([("user", "link"), *cells])
        case "txt":
            path.write_text("# a list\n" + "\n".join(filter(None, urls)))
    return path


@pytest.mark.parametrize("name", ["in.parquet", "in.csv.gz", "in.txt"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_row_is_kept_in_order_with_its_verdict_or_its_error(score, tmp_path, name, jobs):
    urls = [url for url in URLS if url or not name.endswith("txt")]
    out = tmp_path / "out.parquet"
    options = ("--jobs", jobs, "--part-rows", 4)

    code, summary, err = score(written(tmp_path, name, urls), "-o", out, *options)

    rows = rows_of(out)
    column = {"in.parquet": "Full URL", "in.csv.gz": "link", "in.txt": "url"}[name]
    assert code == 6, err
    assert [row[column] or "" for row in rows] == urls
    said = {
        row[column]: (row["prediction"], row["decided_by"]) for row in rows if row["prediction"]
    }
    assert said == READABLE
    assert [bool(row["error"]) for row in rows] == [url not in READABLE for url in urls]
    assert (summary["rows"], summary["bad_rows"]) == (len(urls), len(urls) - 7)
    assert sum(summary["by_verdict"].values()) == sum(summary["histogram"]) == 7
    assert len({row["id"] for row in rows if row["id"]}) == 7


def test_verdicts_are_those_of_the_scorer(cli, score, tmp_path):
    server, secrets = cli.stack.s3, cli.stack.secrets
    scorer = ScorerProcess(
        tmp_path,
        {
            "NIGHTCATCH_S3_ENDPOINT": server.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": cli.stack.settings.bucket,
            "NIGHTCATCH_PIPELINES": "urls",
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(secrets.trainer_public_key),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(secrets.approver_public_key),
        },
    ).start("/health/ready")
    try:
        answer = requests.post(f"{scorer.url}/predict", json={"urls": list(READABLE)}, timeout=60)
    finally:
        scorer.kill()

    score(written(tmp_path, "in.csv", READABLE), "-o", tmp_path / "out.parquet", "--jobs", 1)

    members = ("scored_url", "prediction", "confidence", "probability", "decided_by")
    theirs = [[each[name] for name in members] for each in answer.json()["predictions"]]
    ours = [[row[name] for name in members] for row in rows_of(tmp_path / "out.parquet")]
    assert ours == theirs


def test_csv_has_no_formulas_and_lines_that_are_no_rows_keep_their_place(score, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(
        f'link,note,prediction\n{BAD},=1+1,x\n{GOOD}\n,,\n"{GOOD},-2,-3\n{GOOD},-2,@x\n'
    )

    code, _, err = score(path, "-o", tmp_path / "out.csv", "--jobs", 1, "--reasons")

    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert code == 6, err
    assert [row["prediction"] for row in rows] == ["Phishing", "", "", "Legitimate"]
    assert [row["link"] for row in rows] == [BAD, GOOD, f'"{GOOD},-2,-3', GOOD]
    assert (rows[0]["note"], rows[3]["note"], rows[3]["input_prediction"]) == ("'=1+1", "-2", "'@x")
    assert "line 3" in rows[1]["error"]
    assert rows[0]["reasons"]
    assert not rows[3]["reasons"]


def test_a_column_is_taken_by_its_name(score, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(f"url,target\n{GOOD},{BAD}\n")

    assert score(path, "-o", tmp_path / "a.parquet", "--column", "Target", "--jobs", 1)[0] == 0
    assert rows_of(tmp_path / "a.parquet")[0]["prediction"] == "Phishing"
    code, _, err = score(path, "-o", tmp_path / "b.parquet", "--column", "nowhere", "--jobs", 1)
    assert code == 1
    assert "nowhere" in err


def parts_in(folder):
    """The parts by name, each with what changes when it is written again."""
    return {path.name: path.stat().st_ino for path in folder.glob("part-*.parquet")}


def test_a_job_with_other_inputs_or_options_is_not_gone_on_with(score, tmp_path):
    path, out = written(tmp_path, "in.csv", [GOOD]), tmp_path / "out"
    assert score(path, "-o", out, "--jobs", 1)[0] == 0

    code, _, err = score(path, "-o", out, "--jobs", 1, "--reasons")
    assert (code, "reasons" in err) == (1, True)
    written(tmp_path, "in.csv", [GOOD, BAD])
    code, _, err = score(path, "-o", out, "--jobs", 1)
    assert (code, "in.csv" in err) == (1, True)


def test_a_killed_job_goes_on_with_its_version_and_neither_loses_nor_repeats_a_row(
    cli, score, tmp_path, is_full_run
):
    rng = random.Random(7)
    urls = [f"http://host{number}.example/{number}" for number in range(4000)]
    urls[7] = BAD
    (tmp_path / "in").mkdir()
    written(tmp_path / "in", "a.csv", urls[:1500])
    written(tmp_path / "in", "b.parquet", urls[1500:])
    out = tmp_path / "out"
    options = (str(tmp_path / "in"), "-o", str(out), "--part-rows", "50", "--jobs", "2")
    finished = {}

    for _ in range(10 if is_full_run else 3):
        process = subprocess.Popen(
            [sys.executable, "-m", "include.cli", "score", *options],
            env=cli.environ,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wanted = len(finished) + rng.randint(1, 7)
        wait_until(lambda n=wanted, p=process: len(parts_in(out)) >= n or p.poll() is not None)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        psutil.wait_procs(workers, timeout=60)
        assert not any(worker.is_running() for worker in workers)
        assert finished.items() <= parts_in(out).items()
        finished = parts_in(out)
    assert 0 < len(finished) < 80
    promote(cli.store, url_version(2, [GOOD]), cli.trainer, cli.approver, run_id="run-2")

    code, summary, err = score(*options)

    assert code == 0, err
    rows = [row for part in sorted(out.glob("part-*")) for row in rows_of(part)]
    assert [row.get("link") or row.get("Full URL") for row in rows] == urls
    assert {row["model_version"] for row in rows} == {summary["version"]} == {NAME}
    assert finished.items() <= parts_in(out).items()
    earlier = sum(pq.read_metadata(out / name).num_rows for name in finished)
    assert (summary["rows"], summary["scored_earlier"]) == (4000, earlier)

"""The command line on servers that only environment variables name, as in Compose."""

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer

import pymongo
import pytest

from tests.support import onnx_graphs
from tests.support.cli_session import ROOT, open_cli_session
from tests.support.fake_scorer import Answer
from tests.support.signed_versions import Signer, Version, promote, publish, version_name

FIRST, SECOND = version_name(1), version_name(2)
PASSWORD = "pass-in-url"


@pytest.fixture(scope="module")
def cli(tmp_path_factory):
    with open_cli_session(tmp_path_factory.mktemp("state")) as cli:
        yield cli


@pytest.fixture
def environ(cli, mongo_url, tmp_path):
    """Variables of an installation, beside a state folder in which nothing may appear."""
    s3, secrets = cli.stack.s3, cli.stack.secrets
    connection = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"},
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "NIGHTCATCH_STATE_DIR": str(tmp_path / "untouched"),
        "AIRFLOW_CONN_NIGHTCATCH_S3": json.dumps(connection),
        "AIRFLOW_CONN_NIGHTCATCH_MONGO": mongo_url.replace("mongodb://", "mongo://"),
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(secrets.trainer_public_key),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(secrets.approver_public_key),
        "NIGHTCATCH_APPROVER_KEY": str(secrets.approver_key),
    }


def run(environ, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "include.cli", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def version(cli):
    promote(cli.store, Version(FIRST), cli.trainer, cli.approver)
    return FIRST


@pytest.fixture
def scorer_port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_versions_and_status_are_read_as_json(environ, version, tmp_path):
    listed = run(environ, "versions", "--json")
    shown = run(environ, "status", "--json")

    assert listed.returncode == 0, listed.stderr
    (found,) = json.loads(listed.stdout)
    assert (found["version"], found["in_production"]) == (version, True)
    assert shown.returncode == 0, shown.stderr
    status = json.loads(shown.stdout)
    health = {server["name"]: server["health"] for server in status["servers"]["value"]}
    assert health == {
        "mongo": "healthy",
        "s3": "healthy",
        "airflow": "not configured",
        "scorer": "not configured",
    }
    assert status["production"]["sites"]["value"]["version"] == version
    assert not (tmp_path / "untouched").exists()


def test_records_are_loaded_where_the_connection_points(environ, mongo_url, tmp_path):
    source = tmp_path / "list.txt"
    source.write_text("http://one.example/a\nhttp://two.example/b\n")
    with pymongo.MongoClient(mongo_url) as client:
        client.drop_database("phishing")

        done = run(
            environ, "load", "--pipeline", "urls", "--source", str(source), "--label", "phishing"
        )

        assert done.returncode == 0, done.stderr
        assert client["phishing"].urls.count_documents({}) == 2
        client.drop_database("phishing")


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("NIGHTCATCH_APPROVER_PUBLIC_KEY", ("versions",)),
        ("NIGHTCATCH_AIRFLOW_URL", ("train",)),
        ("AIRFLOW_CONN_NIGHTCATCH_MONGO", ("load",)),
    ],
)
def test_a_missing_variable_is_named_and_no_secret_is_shown(environ, cli, missing, command):
    environ.pop(missing, None)

    refused = run(environ, *command)

    assert refused.returncode == 1
    assert missing in refused.stderr
    assert cli.stack.s3.secret_key not in refused.stdout + refused.stderr


def test_a_server_that_is_down_is_broken_and_ends_with_1(environ):
    environ["NIGHTCATCH_SCORER_URL"] = "http://127.0.0.1:9"

    shown = run(environ, "status", "--json")

    assert shown.returncode == 1
    health = {each["name"]: each["health"] for each in json.loads(shown.stdout)["servers"]["value"]}
    assert (health["scorer"], health["s3"]) == ("BROKEN", "healthy")


def test_a_scorer_on_the_loopback_is_reached_without_the_proxy(environ, scorer_port):
    environ |= {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    environ["NIGHTCATCH_SCORER_URL"] = f"http://127.0.0.1:{scorer_port}"

    shown = run(environ, "status", "--json")

    assert shown.returncode == 0, shown.stdout


def test_status_shows_no_password_of_a_url(environ, scorer_port):
    environ["NIGHTCATCH_SCORER_URL"] = f"http://me:{PASSWORD}@127.0.0.1:{scorer_port}"
    environ["NIGHTCATCH_AIRFLOW_URL"] = f"http://me:{PASSWORD}@127.0.0.1:9"
    environ["NIGHTCATCH_AIRFLOW_PASSWORD"] = "pass-of-airflow"
    environ["AIRFLOW_CONN_NIGHTCATCH_MONGO"] = f"mongo://me:{PASSWORD}@127.0.0.1:9/phishing"

    shown = run(environ, "status", "--json")

    health = {each["name"]: each["health"] for each in json.loads(shown.stdout)["servers"]["value"]}
    assert (health["scorer"], health["airflow"], health["mongo"]) == ("healthy", "BROKEN", "BROKEN")
    assert PASSWORD not in shown.stdout + shown.stderr
    assert "pass-of-airflow" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("command", [("train",), ("load", "--source", "simulated")])
def test_a_command_whose_server_is_down_is_one_line_without_password(environ, command):
    environ["NIGHTCATCH_AIRFLOW_URL"] = f"http://me:{PASSWORD}@127.0.0.1:9"
    environ["NIGHTCATCH_AIRFLOW_PASSWORD"] = "pass-of-airflow"
    environ["AIRFLOW_CONN_NIGHTCATCH_MONGO"] = (
        f"mongo://me:{PASSWORD}@127.0.0.1:9/phishing?serverSelectionTimeoutMS=500"
    )

    failed = run(environ, *command)

    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("nightcatch: ")
    assert PASSWORD not in failed.stdout + failed.stderr


def test_approval_follows_the_variables_and_needs_the_approver_key(environ, cli, version):
    publish(cli.store, Version(SECOND), cli.trainer)
    key = environ.pop("NIGHTCATCH_APPROVER_KEY")

    refused = run(environ, "approve", SECOND, "--reason", "a test", "--despite-gate")

    assert refused.returncode == 1
    assert "NIGHTCATCH_APPROVER_KEY" in refused.stderr
    assert key not in refused.stderr
    assert cli.in_production().version == version


def test_retention_shows_what_it_would_delete_as_json(environ):
    shown = run(environ, "retain", "--json")

    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == []


def test_completion_code_names_the_program(environ):
    assert "nightcatch" in run(environ, "completion", "bash").stdout


def test_doctor_needs_rights_on_the_records_database_only_and_keeps_it(environ, mongo_url):
    with pymongo.MongoClient(mongo_url) as client:
        client["phishing"].kept.insert_one({})
        before = set(client.list_database_names())

        shown = run(environ, "doctor")

        assert "ok   mongo" in shown.stdout
        assert set(client.list_database_names()) == before
        assert client["phishing"].list_collection_names() == ["kept"]
        client.drop_database("phishing")


def test_two_approvers_propose_and_approve_each_with_their_own_key(environ, cli, tmp_path):
    """As two people do: each has a machine with one private key, and both need the other."""
    graph = onnx_graphs.logistic((3.0, -1.0))
    files = {"model.onnx": graph, "model.joblib": b"pickle"}
    name = version_name(7)
    publish(cli.store, Version(name, files=files, pipeline="urls"), cli.trainer)
    bob = Signer.new(tmp_path, "bob")
    public = bob.write_public_pem(tmp_path / "bob.pub.pem")
    environ |= {
        "NIGHTCATCH_APPROVERS_NEEDED": "2",
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": f"{environ['NIGHTCATCH_APPROVER_PUBLIC_KEY']}:{public}",
    }
    of_bob = {**environ, "NIGHTCATCH_APPROVER_KEY": str(bob.path)}
    asked = (name, "--pipeline", "urls", "--despite-gate", "--reason", "a test")

    alone = run(of_bob, "approve", *asked, "--by", "bob")
    proposed = run(environ, "propose", *asked, "--by", "ann")
    approved = run(of_bob, "approve", *asked, "--by", "bob")

    assert (alone.returncode, "nobody has proposed" in alone.stderr) == (1, True), alone.stderr
    assert proposed.returncode == 0, proposed.stderr
    assert f"./nightcatch approve {name}" in proposed.stdout
    assert approved.returncode == 0, approved.stderr
    assert "is in production, serial 1" in approved.stdout
    assert "by bob and ann" in approved.stdout

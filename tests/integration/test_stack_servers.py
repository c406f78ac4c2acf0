"""The real mongod and SeaweedFS: data survive a kill and a move; a taken port is said clearly."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest

from include.errors import PortTakenError, ServerDiedError
from include.stack.environment import scorer_environment
from include.stack.http import is_ok, request_json
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.ports import pick_port, port_is_free
from include.stack.seaweed import SeaweedServer
from include.stack.settings import StackSettings
from include.stack.web_server import ScorerServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def seaweed(tmp_path: Path) -> Iterator[SeaweedServer]:
    server = SeaweedServer(tmp_path, secrets.token_hex(10), secrets.token_hex(20))
    server.start()
    yield server
    server.kill()


def test_mongo_keeps_acknowledged_documents_when_killed(mongo: MongoServer) -> None:
    with pymongo.MongoClient(mongo.url, w="majority", journal=True) as client:
        client.checks.things.insert_one({"_id": 1})
    mongo.kill()
    killed = not mongo.is_healthy()
    mongo.start()

    with pymongo.MongoClient(mongo.url) as client:
        assert killed
        assert client.checks.things.find_one() == {"_id": 1}


def test_mongo_keeps_documents_when_its_port_changes(mongo: MongoServer, tmp_path: Path) -> None:
    with pymongo.MongoClient(mongo.url) as client:
        client.checks.things.insert_one({"_id": 1})
    mongo.stop()
    moved = MongoServer(tmp_path)
    moved.start()

    with pymongo.MongoClient(moved.url) as client:
        found = client.checks.things.find_one()
    moved.kill()
    assert found == {"_id": 1}


def test_second_start_keeps_the_running_server(mongo: MongoServer, tmp_path: Path) -> None:
    other = MongoServer(tmp_path, mongo.port)
    other.start()

    assert other.process.pid == mongo.process.pid


def test_start_is_refused_when_it_runs_on_another_port(mongo: MongoServer, tmp_path: Path) -> None:
    with pytest.raises(ServerDiedError, match=r"mongo: runs already with other settings"):
        MongoServer(tmp_path).start()


def test_stop_leaves_no_process_and_a_free_port(mongo: MongoServer) -> None:
    mongo.stop()

    assert mongo.process.pid is None
    assert port_is_free(mongo.port)


def test_mongo_names_the_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"mongo: port {port} .*NIGHTCATCH_MONGO_PORT"):
            MongoServer(tmp_path, port).start()


def test_mongo_explains_data_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "storage.bson").write_bytes(b"not a database")
    server = MongoServer(tmp_path)
    with pytest.raises(ServerDiedError, match=r"mongo: ended unexpectedly; from .*\.log"):
        server.start()

    assert server.process.pid is None


def test_seaweed_keeps_objects_when_killed(seaweed: SeaweedServer) -> None:
    seaweed.client().put_object(Bucket="nightcatch", Key="a/b", Body=b"content")
    seaweed.kill()
    seaweed.start()

    answer = seaweed.client().get_object(Bucket="nightcatch", Key="a/b")
    assert answer["Body"].read() == b"content"


def test_seaweed_names_the_taken_port_behind_its_own(tmp_path: Path) -> None:
    port = pick_port([0, 1, 2, 3, 4, 10_000, 10_001, 10_002, 10_003, 10_004])
    with socket.create_server(("127.0.0.1", port + 10_002)):
        server = SeaweedServer(tmp_path, "access", "secret", port)
        with pytest.raises(PortTakenError, match=rf"port {port + 10_002} .*NIGHTCATCH_S3_PORT"):
            server.start()


def test_seaweed_refuses_a_port_too_high_for_its_second_one(tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match=r"port 55532 is too high"):
        SeaweedServer(tmp_path, "access", "secret", 55532).start()


def test_scorer_starts_without_s3_and_waits_for_a_model(tmp_path: Path) -> None:
    settings = StackSettings(
        root=ROOT, state_dir=tmp_path, s3_port=pick_port(), scorer_port=pick_port()
    )
    env = scorer_environment(settings, ensure_secrets(settings.secrets_dir), os.environ)
    server = ScorerServer(tmp_path, settings.scorer_port, env)
    server.start()
    ready = request_json("GET", f"{settings.scorer_url}/health/ready")[0]
    server.stop()

    assert ready == 503
    assert not is_ok(f"{settings.scorer_url}/health/live")
    assert port_is_free(settings.scorer_port)


def test_scorer_that_lacks_a_setting_names_it(tmp_path: Path) -> None:
    server = ScorerServer(
        tmp_path, pick_port(), {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    )

    with pytest.raises(ServerDiedError, match="NIGHTCATCH_TRAINER_PUBLIC_KEY is not set"):
        server.start()
    assert server.process.pid is None

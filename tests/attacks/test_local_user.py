"""Attacker: another user of the machine, who reaches every port of the loopback and holds no key.

Aim: read or change records, models and approvals in the embedded stack.
"""

import secrets
import socket
import ssl
import stat

import psutil
import pymongo
import pytest
import requests
from pymongo.errors import OperationFailure

from include.stack.environment import airflow_environment
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.session import session_members
from include.stack.settings import StackSettings

SECRET = b"a model that nobody else may read"
PATHS = ("/buckets/nightcatch/attack", "/dir/assign")


@pytest.fixture
def ports(s3):
    """Every TCP port on which the object store listens, but that of S3 itself."""
    s3.client().put_object(Bucket="nightcatch", Key="attack", Body=SECRET)
    listening = {
        connection.laddr
        for process in session_members(s3.process.pid)
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {"127.0.0.1"}
    yield sorted({address.port for address in listening} - {s3.port})
    s3.client().delete_object(Bucket="nightcatch", Key="attack")


def answer(port, request, tls):
    """All that a server says to a request; nothing where it hangs up."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            stream = plain
            if tls:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(["h2", "http/1.1"])
                stream = context.wrap_socket(plain)
            stream.sendall(request)
            said = b""
            while received := stream.recv(65_536):
                said += received
            return said
    except OSError:
        return b""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls-without-certificate"])
def test_no_port_behind_s3_answers_without_the_stacks_certificate(ports, tls):
    assert len(ports) >= 8
    for port in ports:
        for path in PATHS:
            said = answer(port, f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode(), tls)

            assert b"200" not in said.partition(b"\r\n")[0]
            assert SECRET not in said


def test_a_certificate_of_ones_own_opens_no_port(ports, tmp_path):
    own = ensure_secrets(tmp_path / "own").s3_certificate
    for port in ports:
        with pytest.raises(requests.ConnectionError):
            requests.get(
                f"https://127.0.0.1:{port}/buckets/", cert=str(own), verify=False, timeout=5
            )


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_s3_refuses_who_signs_nothing(s3, method):
    s3.client().put_object(Bucket="nightcatch", Key="unsigned", Body=SECRET)
    for path in ("/", "/nightcatch", "/nightcatch/unsigned", "/nightcatch/unsigned?uploads"):
        answered = requests.request(method, f"{s3.endpoint_url}{path}", data=b"x", timeout=10)

        assert 400 <= answered.status_code < 500
    kept = s3.client().get_object(Bucket="nightcatch", Key="unsigned")["Body"].read()
    assert kept == SECRET


def test_mongo_answers_no_one_without_a_password(mongo_url):
    host, port = mongo_url.partition("@")[2].partition("/")[0].split(":")
    with pymongo.MongoClient(host, int(port), directConnection=True) as stranger:
        for attempt in (
            stranger.list_database_names,
            lambda: stranger.phishing.sites.find_one(),
            lambda: stranger.phishing.sites.insert_one({"Result": 1}),
            lambda: stranger.admin.command("createUser", "mine", pwd="x", roles=["root"]),
            lambda: stranger.admin.command("shutdown"),
        ):
            with pytest.raises(OperationFailure, match="requires authentication"):
                attempt()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def own_mongo(state_dir):
    server = MongoServer(state_dir)
    server.start()
    yield server
    server.kill()


def test_runs_read_records_and_only_the_loader_writes_them(own_mongo, state_dir):
    settings = StackSettings(root=state_dir, state_dir=state_dir, mongo_port=own_mongo.port)
    env = airflow_environment(settings, ensure_secrets(settings.secrets_dir), {})
    reader, loader = (
        pymongo.MongoClient(env[name].replace("mongo://", "mongodb://"))
        for name in ("AIRFLOW_CONN_NIGHTCATCH_MONGO", "AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER")
    )
    with reader, loader:
        loader.phishing.sites.insert_one({"_id": 1})

        assert reader.phishing.sites.find_one() == {"_id": 1}
        for attempt in (
            lambda: reader.phishing.sites.delete_many({}),
            lambda: reader.phishing.sites.insert_one({}),
            lambda: loader.admin.command("createUser", "mine", pwd="x", roles=["root"]),
            lambda: loader.other.things.insert_one({}),
        ):
            with pytest.raises(OperationFailure, match="not authorized"):
                attempt()


def test_without_users_no_one_may_make_the_first(own_mongo):
    with pymongo.MongoClient(own_mongo.url) as administrator:
        administrator.phishing.command("dropAllUsersFromDatabase")
    with (
        pymongo.MongoClient("127.0.0.1", own_mongo.port, directConnection=True) as stranger,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        stranger.admin.command("createUser", "mine", pwd="x", roles=["root"])


def test_credentials_differ_by_installation_and_are_their_owners_alone(tmp_path):
    first, second = (ensure_secrets(tmp_path / secrets.token_hex(4)) for _ in range(2))

    assert first.mongo_key.read_bytes() != second.mongo_key.read_bytes()
    assert first.mongo_reader_password not in (
        *(first.mongo_loader_password, second.mongo_reader_password),
    )
    for path in (first.mongo_key, first.s3_certificate):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_password_is_in_a_command_line(s3, mongo_url):
    words = " ".join(word for process in psutil.process_iter() for word in _command_line(process))

    assert s3.secret_key not in words
    assert mongo_url.partition("@")[0].rpartition(":")[2] not in words


def _command_line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []

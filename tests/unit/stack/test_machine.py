"""The doctor's findings about the machine: broken things are found and their remedy named."""

import os
import socket
import time
from pathlib import Path

import pytest

from include.cli.commands.host_checks import check_clock, check_packages, check_port, check_secrets
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer, find_mongod, mongod_version


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "requirements.txt"


def test_packages_of_the_lock_pass(lock: Path) -> None:
    lock.write_text(
        f"# a comment\nflask=={_version('flask')} \\\n    --hash=sha256:00\n    # via -r x\n"
        "pywin32==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
    )

    check = check_packages(lock)
    assert check.ok
    assert check.finding == "all 1 are those of requirements.txt"


def test_packages_that_differ_are_named(lock: Path) -> None:
    lock.write_text("flask==0.1\nno-such-package==2.0 \\\n    --hash=sha256:00\n")

    check = check_packages(lock)
    assert not check.ok
    assert f"flask {_version('flask')} (lock: 0.1)" in check.finding
    assert "no-such-package missing (lock: 2.0)" in check.finding
    assert "remove .venv" in check.remedy


def test_open_secrets_are_named(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path / "secrets")
    sound = check_secrets(tmp_path / "secrets")
    secrets.trainer_key.chmod(0o644)

    check = check_secrets(tmp_path / "secrets")
    assert sound.ok
    assert not check.ok
    assert str(secrets.trainer_key) in check.finding
    assert f"chmod 700 {tmp_path / 'secrets'}" in check.remedy


def test_open_folder_of_secrets_is_named(tmp_path: Path) -> None:
    ensure_secrets(tmp_path / "secrets")
    (tmp_path / "secrets").chmod(0o755)

    assert not check_secrets(tmp_path / "secrets").ok


def test_taken_port_is_named_with_its_variable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        check = check_port(MongoServer(tmp_path, other.getsockname()[1]))

        assert not check.ok
        assert "taken by another program" in check.finding
        assert "NIGHTCATCH_MONGO_PORT" in check.remedy


def test_clock_before_the_checkout_is_wrong(lock: Path) -> None:
    lock.write_text("")
    right = check_clock(lock)
    tomorrow = time.time() + 86_400
    os.utime(lock, (tomorrow, tomorrow))

    assert right.ok
    assert not check_clock(lock).ok


def test_mongod_that_is_not_executable_is_made_so(tmp_path: Path) -> None:
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\necho 'db version v8.0.12'\n")
    program.chmod(0o644)

    assert mongod_version(program) == (8, 0, 12)


def test_mongod_of_another_machine_has_no_version(tmp_path: Path) -> None:
    program = tmp_path / "mongod"
    program.write_bytes(b"\x7fELF, but not really")

    assert mongod_version(program) == ()


@pytest.mark.parametrize(
    ("version", "is_taken"), [("99.0.0", True), ("3.6.0", False)], ids=["newer", "older"]
)
def test_mongod_on_path_is_taken_when_it_is_newer(
    version: str, is_taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mongod"
    program.write_text(f"#!/bin/sh\necho 'db version v{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert (find_mongod() == program) is is_taken


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)

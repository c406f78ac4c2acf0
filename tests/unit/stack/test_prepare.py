"""What Compose's one-shot leaves for each container: its own keys, readable by nobody else."""

import json
import stat

import pytest

from include.errors import SettingMissingError
from include.stack.prepare import main, prepare_keys


@pytest.fixture
def folder(tmp_path):
    for name in ("private", "public", "login"):
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_private_keys_are_readable_by_their_owner_only(folder):
    prepare_keys(folder, "secret")

    for path in [*(folder / "private").iterdir(), folder / "login" / "passwords.json"]:
        assert mode(path) == 0o600


def test_scorers_get_public_keys_only_and_may_read_them(folder):
    prepare_keys(folder, "secret")

    given = sorted((folder / "public").iterdir())
    assert [path.name for path in given] == [
        "approver.pub.pem",
        "trainer.pub.pem",
        "watcher.pub.pem",
    ]
    for path in given:
        assert mode(path) == 0o644
        assert path.read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_a_second_start_keeps_the_keys_and_takes_the_new_password(folder):
    prepare_keys(folder, "old")
    key = (folder / "private" / "trainer.pem").read_bytes()

    prepare_keys(folder, "new")

    assert (folder / "private" / "trainer.pem").read_bytes() == key
    assert json.loads((folder / "login" / "passwords.json").read_text()) == {"admin": "new"}


def test_a_missing_password_is_named(folder):
    with pytest.raises(SettingMissingError, match="AIRFLOW_ADMIN_PASSWORD is not set"):
        main({}, folder)

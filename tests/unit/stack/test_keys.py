"""Secrets are private, kept, and never half-written."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.signature import load_private_key, load_public_key
from include.stack.keys import ensure_secrets


def test_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    ensure_secrets(tmp_path / "secrets")

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()
    }
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert len(modes) == 12


def test_second_start_keeps_the_secrets(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    key = first.trainer_key.read_bytes()

    assert ensure_secrets(tmp_path) == first
    assert first.trainer_key.read_bytes() == key


def test_racing_first_starts_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: ensure_secrets(tmp_path), range(16)))

    assert len(found) == 1


def test_public_keys_belong_to_the_private_ones(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    for private, public in (
        (secrets.trainer_key, secrets.trainer_public_key),
        (secrets.approver_key, secrets.approver_public_key),
    ):
        key = load_private_key(private.read_bytes())

        assert isinstance(key.curve, ec.SECP256R1)
        assert key.public_key() == load_public_key(public.read_bytes())


def test_trainer_and_approver_differ(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)

    assert secrets.trainer_key.read_bytes() != secrets.approver_key.read_bytes()

"""Passwords and signing keys of the embedded stack: made on first start, private, never printed."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PRIVATE_MODE = 0o600
_CERTIFICATE_DAYS = 36_500


@dataclass(frozen=True)
class Secrets:
    """What the servers and their clients share.

    Attributes
    ----------
    s3_access_key, s3_secret_key : str
        The only credentials of the embedded S3.
    s3_certificate : Path
        Certificate and private key, PEM: what the parts of the object store know each other by.
    mongo_key : Path
        Key file of the replica set; whoever has it administers the database.
    mongo_reader_password, mongo_loader_password : str
        Of the users that read and write the pipelines' records.
    airflow_passwords : Path
        JSON file that maps Airflow users to passwords.
    airflow_password : str
        Password of the Airflow user `admin`.
    airflow_fernet_key, airflow_jwt_secret : str
        Airflow's own keys; every Airflow process must have the same.
    link_key : str
        Of the links to results on the scorer's page.
    trainer_key, approver_key, watcher_key : Path
        Private EC P-256 keys, PEM: of versions, of the approved pointer and of its timestamps.
    trainer_public_key, approver_public_key, watcher_public_key : Path
        Their public halves, PEM: all that a scorer gets.
    """

    s3_access_key: str
    s3_secret_key: str
    s3_certificate: Path
    mongo_key: Path
    mongo_reader_password: str
    mongo_loader_password: str
    airflow_passwords: Path
    airflow_password: str
    airflow_fernet_key: str
    airflow_jwt_secret: str
    link_key: str
    trainer_key: Path
    trainer_public_key: Path
    approver_key: Path
    approver_public_key: Path
    watcher_key: Path
    watcher_public_key: Path


def ensure_secrets(folder: Path) -> Secrets:
    """Return the stack's secrets, generating what is missing; what exists is kept.

    Parameters
    ----------
    folder : Path
        Made with mode 700; every private file in it has mode 600.

    Returns
    -------
    Secrets
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shared = _json(
        folder / "shared.json",
        {
            "s3_access_key": secrets.token_hex(10),
            "s3_secret_key": secrets.token_hex(20),
            "airflow_fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "airflow_jwt_secret": secrets.token_hex(64),
        },
    )
    fresh = {f"mongo_{user}_password": secrets.token_hex(20) for user in ("reader", "loader")}
    mongo = _json(folder / "mongo_passwords.json", fresh)
    passwords = folder / "airflow_passwords.json"
    password = _json(passwords, {"admin": secrets.token_urlsafe(18)})["admin"]
    return Secrets(
        **shared,
        **mongo,
        s3_certificate=_certificate(folder / "s3.pem"),
        mongo_key=_mongo_key(folder / "mongo.key"),
        airflow_passwords=passwords,
        airflow_password=password,
        **_json(folder / "scorer.json", {"link_key": secrets.token_hex(32)}),
        trainer_key=_private_key(folder / "trainer.pem"),
        trainer_public_key=_public_key(folder / "trainer.pem"),
        approver_key=_private_key(folder / "approver.pem"),
        approver_public_key=_public_key(folder / "approver.pem"),
        watcher_key=_private_key(folder / "watcher.pem"),
        watcher_public_key=_public_key(folder / "watcher.pem"),
    )


def _json(path: Path, fresh: dict[str, str]) -> dict[str, str]:
    if not path.exists():
        _write_once(path, json.dumps(fresh).encode())
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _private_key(path: Path) -> Path:
    if not path.exists():
        _write_once(path, _pem(ec.generate_private_key(ec.SECP256R1())))
    return path


def _mongo_key(path: Path) -> Path:
    if not path.exists():
        _write_once(path, secrets.token_hex(48).encode())
    return path


def _certificate(path: Path) -> Path:
    """One self-signed certificate: server, client and authority at once, for this machine only."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nightcatch embedded store")])
        hosts = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=_CERTIFICATE_DAYS))
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_once(path, certificate.public_bytes(serialization.Encoding.PEM) + _pem(key))
    return path


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_key(private: Path) -> Path:
    public = private.with_suffix(".pub.pem")
    if not public.exists():
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
        _write_once(
            public,
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    return public


def _write_once(path: Path, content: bytes) -> None:
    """Write a private file whole, unless another program was first."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(
            os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE), "wb"
        ) as file:
            file.write(content)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)

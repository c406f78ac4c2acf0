"""What `docs/operate.md` lets people type around the servers does what the page says."""

import secrets
import subprocess

import pymongo
import pytest

from include.contract.signature import load_private_key, load_public_key
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from tests.support import doc_pages

PAGE = doc_pages.ROOT / "docs" / "operate.md"
RECORD, BODY = {"_id": "kept", "Result": -1}, b"a signed version"


def type_block(holding, folder):
    """Run the block that holds a word, line by line as people do; servers are the test's own."""
    (block,) = [block for block in doc_pages.blocks(PAGE, "sh") if holding in block]
    lines = [line for line in block.splitlines() if not line.startswith("./nightcatch")]
    subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=folder, check=True, timeout=600)


def servers_of(state_dir, credentials):
    return MongoServer(state_dir), SeaweedServer(state_dir, *credentials)


@pytest.fixture
def credentials():
    return secrets.token_hex(10), secrets.token_hex(20)


def test_a_backup_brings_records_versions_and_secrets_back(tmp_path, credentials):
    state_dir = tmp_path / ".local"
    state_dir.mkdir(mode=0o700)
    key = ensure_secrets(state_dir / "secrets").approver_key
    made = key.read_text()
    for folder in ("run", "log"):
        (state_dir / folder).mkdir(exist_ok=True)
    mongo, s3 = servers_of(state_dir, credentials)
    try:
        mongo.start()
        s3.start()
        with pymongo.MongoClient(mongo.url) as client:
            client.phishing.sites.insert_one(RECORD)
        s3.client().put_object(Bucket=s3.bucket, Key="models/sites/a", Body=BODY)
    finally:
        s3.stop()
        mongo.stop()
    type_block("tar -czf nightcatch-backup.tgz", tmp_path)
    key.write_text("another")
    type_block("tar -xzpf nightcatch-backup.tgz", tmp_path)
    mongo, s3 = servers_of(state_dir, credentials)
    try:
        mongo.start()
        s3.start()
        with pymongo.MongoClient(mongo.url) as client:
            records = list(client.phishing.sites.find())
        body = s3.client().get_object(Bucket=s3.bucket, Key="models/sites/a")["Body"].read()
    finally:
        s3.kill()
        mongo.kill()

    assert (records, body, key.read_text()) == ([RECORD], BODY, made)
    assert key.stat().st_mode & 0o777 == 0o600
    assert state_dir.stat().st_mode & 0o077 == 0
    assert (tmp_path / ".local.old").is_dir()


def test_a_key_made_as_the_page_says_is_one_that_signs_and_is_verified(tmp_path):
    type_block("openssl ecparam", tmp_path)
    private = load_private_key((tmp_path / "new.pem").read_bytes())
    public = load_public_key((tmp_path / "new.pub.pem").read_bytes())

    assert private.public_key() == public
    assert (tmp_path / "new.pem").stat().st_mode & 0o077 == 0

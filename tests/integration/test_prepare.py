"""Compose's one-shot against the real servers: done once, harmless twice."""

import pymongo
import pytest

from include.stack.prepare import prepare_bucket, prepare_database


@pytest.fixture
def client(mongo_url):
    with pymongo.MongoClient(
        mongo_url.replace("?replicaSet=rs0", "?directConnection=true")
    ) as opened:
        yield opened
        opened["phishing"].command("dropUser", "nightcatch")


def test_the_pipelines_user_gets_the_present_password(client):
    host = "{}:{}".format(*client.address)
    for password in ("first", "second"):
        prepare_database(client, host, password)

    with pymongo.MongoClient(
        *client.address, username="nightcatch", password="second", authSource="phishing",
        directConnection=True,
    ) as user:  # fmt: skip
        roles = user["phishing"].command("connectionStatus")["authInfo"]["authenticatedUserRoles"]
    assert roles == [{"role": "readWrite", "db": "phishing"}]


def test_the_bucket_is_made_once(s3):
    for _ in range(2):
        prepare_bucket(s3.client(), "prepared")

    assert "prepared" in {each["Name"] for each in s3.client().list_buckets()["Buckets"]}

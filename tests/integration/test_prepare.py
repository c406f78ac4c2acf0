"""Compose's one-shot against the real servers: done once, harmless twice."""

import pymongo
import pytest

from include.stack.mongo import LOADER, READER
from include.stack.prepare import prepare_bucket, prepare_database


@pytest.fixture
def client(mongo_url):
    with pymongo.MongoClient(
        mongo_url.replace("?replicaSet=rs0", "?directConnection=true")
    ) as opened:
        yield opened
        opened["phishing"].command("dropAllUsersFromDatabase")


@pytest.mark.parametrize(("user", "role"), [(READER, "read"), (LOADER, "readWrite")])
def test_the_records_users_get_the_present_passwords(client, user, role):
    host = "{}:{}".format(*client.address)
    for word in ("first", "second"):
        prepare_database(client, host, {READER: f"{word} r", LOADER: f"{word} w"})
    password = {READER: "second r", LOADER: "second w"}[user]
    with pymongo.MongoClient(
        *client.address, username=user, password=password, authSource="phishing",
        directConnection=True,
    ) as opened:  # fmt: skip
        status = opened["phishing"].command("connectionStatus")["authInfo"]
    assert status["authenticatedUserRoles"] == [{"role": role, "db": "phishing"}]


def test_the_user_of_earlier_releases_who_might_do_both_is_gone(client):
    host = "{}:{}".format(*client.address)
    client["phishing"].command("createUser", "nightcatch", pwd="x", roles=["readWrite"])
    prepare_database(client, host, {})

    assert client["phishing"].command("usersInfo", "nightcatch")["users"] == []


def test_the_bucket_is_made_once(s3):
    for _ in range(2):
        prepare_bucket(s3.client(), "prepared")

    assert "prepared" in {each["Name"] for each in s3.client().list_buckets()["Buckets"]}

"""What the environment says of access is done by the service as it is run."""

import gzip
import hashlib
import json

import pytest
import requests

from tests.support.scorer_bucket import RECORD, ScorerBucket
from tests.support.scorer_process import ScorerProcess


@pytest.fixture
def site(s3, bucket, tmp_path):
    return ScorerBucket(s3, bucket, tmp_path)


def test_keys_origins_and_the_access_log_come_from_the_environment(site, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"ann {hashlib.sha256(b'a key').hexdigest()}\n")
    env = {
        **site.env,
        "NIGHTCATCH_API_KEYS_FILE": str(keys),
        "NIGHTCATCH_CORS_ORIGINS": "https://app.example",
    }
    scorer = ScorerProcess(tmp_path, env)
    site.promote(90)
    try:
        scorer.start("/health/ready")
        scorer.wait_until(lambda: scorer.serials() == {1})
        headers = {"X-Request-ID": "order-7", "Origin": "https://app.example"}

        assert scorer.predict(RECORD).status_code == 401
        with requests.Session() as session:
            session.headers.update({**headers, "Authorization": "Bearer a key"})
            answer = scorer.predict(RECORD, session)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        scorer.wait_until(lambda: "order-7" in scorer.log())
        (line,) = [line for line in scorer.log().splitlines() if "order-7" in line]
        logged = json.loads(line)
        assert (logged["client"], logged["route"], logged["status"]) == ("ann", "/predict", 200)
    finally:
        scorer.kill()


def test_feedback_reaches_the_bucket_and_a_limit_holds_for_all_workers(site, tmp_path):
    (tmp_path / "keys").write_text(f"ann {hashlib.sha256(b'a key').hexdigest()}\n")
    env = {
        **site.env,
        "NIGHTCATCH_API_KEYS_FILE": str(tmp_path / "keys"),
        "NIGHTCATCH_RATE_LIMIT": "0.001,5",
        "NIGHTCATCH_TRAFFIC_INTERVAL_S": "0.2",
    }
    scorer = ScorerProcess(tmp_path, env)
    site.promote(90)
    try:
        scorer.start("/health/ready")
        scorer.wait_until(lambda: scorer.serials() == {1})
        with requests.Session() as session:
            session.headers["X-API-Key"] = "a key"
            response_id = scorer.predict(RECORD, session).json()["id"]
            label = {"id": response_id, "label": "Legitimate", "source": "analyst"}
            accepted = session.post(scorer.url + "/feedback", json=label, timeout=60)
        answers = []
        for _ in range(10):  # each by a connection of its own, so by any worker
            headers = {"X-API-Key": "a key", "Connection": "close"}
            asked = {"json": {"record": RECORD}, "headers": headers, "timeout": 20}
            answers.append(requests.post(scorer.url + "/predict", **asked))

        assert accepted.status_code == 202
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
        assert int(answers[-1].headers["Retry-After"]) > 0
        scorer.wait_until(lambda: list(site.store.keys_under("feedback/sites/")))
        (key,) = site.store.keys_under("feedback/sites/")
        line = json.loads(gzip.decompress(site.store.get(key)))
        assert line.items() >= {**label, "client": "ann"}.items()
    finally:
        scorer.kill()

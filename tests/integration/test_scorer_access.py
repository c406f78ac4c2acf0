"""What the environment says of access is done by the service as it is run."""

import hashlib
import json
import secrets

import pytest
import requests

from tests.integration.test_scorer import RECORD, Site
from tests.scorers import ScorerProcess


@pytest.fixture
def site(s3, tmp_path):
    bucket = f"scorer-{secrets.token_hex(6)}"
    s3.client().create_bucket(Bucket=bucket)
    return Site(s3, bucket, tmp_path)


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

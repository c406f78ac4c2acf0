"""A bucket that scorers follow, and clients that load them."""

import random
import secrets
import threading

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.signed_versions import Signer, Version, promote, version_name

RECORD = {"a": 1, "b": -1}
# Any server may close a kept connection while the next request is under way; HTTP clients send it
# again (RFC 9112, section 9.3.1), and so does nginx.
_RETRIES = Retry(total=2, allowed_methods=None)


class ScorerBucket:
    """A bucket with its signers, and the environment of a scorer that follows it."""

    def __init__(self, server, bucket, folder):
        self.store = ObjectStore(server.client(), bucket)
        self.trainer = Signer.new(folder, "trainer")
        self.approver = Signer.new(folder, "approver")
        trainer_key = self.trainer.write_public_pem(folder / "trainer.pub")
        approver_key = self.approver.write_public_pem(folder / "approver.pub")
        self.env = {
            "NIGHTCATCH_S3_ENDPOINT": server.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": bucket,
            "NIGHTCATCH_PIPELINES": "sites",
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(trainer_key),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver_key),
        }

    def promote(self, number, body=None, trainer=None):
        """Approve a version whose probability is number / 100 for every record."""
        body = body or onnx_graphs.constant(number / 100)
        version = Version(version_name(number), files={"model.onnx": body})
        run_id = f"run-{secrets.token_hex(4)}"
        return promote(self.store, version, trainer or self.trainer, self.approver, run_id=run_id)


class LoadGenerator:
    """Clients that send requests without a pause; `wrong` holds what was not as it should be."""

    def __init__(self, scorer, n_clients=4):
        self.answers = 0
        self.wrong = []
        self._scorer = scorer
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(n_clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=_RETRIES))
            while not self._stopped.is_set():
                try:
                    answer = self._scorer.predict(RECORD, session)
                    said = answer.json()
                    number = int(said["model"]["version"][-8:], 16)
                    if answer.status_code != 200 or said["probability"] != number / 100:
                        self.wrong.append(said)
                except (requests.RequestException, KeyError, ValueError) as err:
                    self.wrong.append(repr(err))
                self.answers += 1


def table(n_rows):
    rows = random.Random(3)
    cells = (f"{rows.randint(-1, 1)},{rows.randint(-1, 1)}\n" for _ in range(n_rows))
    return ("a,b\n" + "".join(cells)).encode()

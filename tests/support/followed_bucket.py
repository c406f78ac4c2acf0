"""A bucket of signed versions, and followers that poll it."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from include.contract import keys
from include.contract.pointer import parse_pointer, pointer_sha256
from include.inference.model import load_model
from include.registry.follow import Follower, LastGood, TrustedKeys
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.signed_versions import Signer, Version, promote, version_name

MAX_MODEL_BYTES = 100_000
FIRST, SECOND = version_name(1), version_name(2)


class FollowedBucket:
    """A bucket with its signers, and followers of the pipeline `sites` in it."""

    def __init__(self, client, bucket, folder):
        self.client = client
        self.store = ObjectStore(client, bucket)
        self.trainer = Signer.new(folder, "trainer")
        self.approver = Signer.new(folder, "approver")
        self.stranger = Signer.new(folder, "stranger")
        self.trusted_keys = TrustedKeys(
            self.approver.trusted, self.trainer.trusted, MAX_MODEL_BYTES
        )
        self.cache_dir = folder / "cache"
        self.now = datetime(2026, 11, 21, 3, tzinfo=UTC)
        self.asked = []
        client.meta.events.register("before-call.s3.GetObject", self._note)

    def _note(self, params, **_):
        self.asked.append(params["url_path"].rpartition("/")[2])

    def follower(self, store=None, cache_dir=None):
        last_good = LastGood(cache_dir or self.cache_dir, MAX_MODEL_BYTES)
        return Follower(
            store or self.store,
            "sites",
            self.trusted_keys,
            last_good,
            load_model,
            now=lambda: self.now,
        )

    def version(self, name, body=None, **fields):
        weight = float(int(name[-8:], 16))
        body = body or onnx_graphs.logistic((weight, -1.0))
        return Version(name, files={"model.onnx": body, "model.joblib": b"pickle"}, **fields)

    def promote(self, name, body=None, **fields):
        trainer = fields.pop("trainer", self.trainer)
        version = self.version(name, body, **fields.pop("version", {}))
        return promote(
            self.store, version, trainer, self.approver, run_id=f"run-{secrets.token_hex(4)}",
            **fields,
        )  # fmt: skip

    def key(self, name, version=SECOND):
        if name == "approved.json":
            return keys.approved("sites")
        return keys.version_file("sites", version, name)

    def pointer(self):
        body = self.store.get(keys.approved("sites"))
        return parse_pointer(body, self.approver.trusted, pipeline="sites")

    def put_pointer(self, signer=None, **changes):
        """Change the approval in production; one of another serial follows it in the history."""
        body = self.store.get(keys.approved("sites"))
        if changes.get("serial", self.pointer().serial) != self.pointer().serial:
            changes.setdefault("previous_sha256", pointer_sha256(body))
        pointer = replace(self.pointer(), **changes)
        signed = pointer.to_json((signer or self.approver).key)
        for key in (keys.approved("sites"), keys.history("sites", pointer.serial)):
            self.store.put(key, signed)


def production_version(follower):
    return follower.in_production and follower.in_production.pointer.version

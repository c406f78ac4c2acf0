"""The embedded bucket and the keys that its content is verified with."""

from include.contract.signature import load_public_key
from include.errors import NotRunningError
from include.registry.follow.verify import TrustedKeys
from include.stack.stack import Stack
from include.stores.objects import ObjectStore

MAX_MODEL_BYTES = 200_000_000


def bucket_of(stack: Stack) -> ObjectStore:
    """Return the bucket of a running stack.

    Raises
    ------
    NotRunningError
        If its S3 does not run.
    """
    if not stack.s3.is_healthy():
        raise NotRunningError("s3 does not run; start it with ./nightcatch up")
    return ObjectStore(stack.s3.client(), stack.settings.bucket)


def trusted_keys_of(stack: Stack) -> TrustedKeys:
    """Return the public keys that the stack's scorer verifies."""
    approver = load_public_key(stack.secrets.approver_public_key.read_bytes())
    trainer = load_public_key(stack.secrets.trainer_public_key.read_bytes())
    watcher = load_public_key(stack.secrets.watcher_public_key.read_bytes())
    return TrustedKeys((approver,), (trainer,), MAX_MODEL_BYTES, (watcher,))

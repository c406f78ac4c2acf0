"""The command line on a stack of which only S3 runs, for tests of what people decide and ask."""

import os
from contextlib import contextmanager
from pathlib import Path

from include.cli.main import main
from include.contract.signature import load_private_key
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stack.stack import Stack
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer

ROOT = Path(__file__).resolve().parents[2]
BEHIND_S3 = [0, 1, 2, 3, 4, 10_000, 10_001, 10_002, 10_003, 10_004]


class CliSession:
    """A bucket, the keys of its trainer and approver, and `./nightcatch`."""

    def __init__(self, stack):
        self.stack = stack
        self.store = ObjectStore(stack.s3.client(), stack.settings.bucket)
        secrets = stack.secrets
        self.trainer, self.approver = (
            Signer(path, load_private_key(path.read_bytes()))
            for path in (secrets.trainer_key, secrets.approver_key)
        )
        self.trusted_keys = TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)

    def in_production(self):
        return production_pointer(self.store, "sites", self.trusted_keys.approvers)

    def history(self):
        return list(read_history(self.store, "sites", self.trusted_keys.approvers))

    @property
    def environ(self):
        """What `./nightcatch` must be told to use this stack."""
        settings = self.stack.settings
        ports = {
            f"NIGHTCATCH_{name}_PORT": str(getattr(settings, f"{name.lower()}_port"))
            for name in ("MONGO", "S3", "AIRFLOW", "MLFLOW", "SCORER")
        }
        return {**os.environ, **ports, "NIGHTCATCH_STATE_DIR": str(settings.state_dir)}

    def run(self, *arguments):
        """The exit code of one command."""
        return main(list(arguments), ROOT, self.environ)


@contextmanager
def open_cli_session(state_dir):
    """A session whose S3 runs until the block ends."""
    ports = {
        name: pick_port() for name in ("mongo_port", "airflow_port", "mlflow_port", "scorer_port")
    }
    settings = StackSettings(root=ROOT, state_dir=state_dir, s3_port=pick_port(BEHIND_S3), **ports)
    stack = Stack(settings, os.environ)
    with stack.starting(lambda text: None, [stack.s3]):
        pass
    try:
        yield CliSession(stack)
    finally:
        stack.stop_started()

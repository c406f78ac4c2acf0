"""Load a new version beside the requests, which go on with the old one.

To read and check a graph holds the GIL for a tenth of a second and more, which would stop all
requests: that is done in a process of its own. ONNX Runtime releases the GIL while it builds a
session, but not the processor: its thread gets the lowest priority.
"""

import ctypes
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile

from include.contract.manifest import Manifest
from include.errors import VersionRefusedError
from include.inference import graph_allowlist
from include.inference.model import OnnxModel, load_model

_ROOT = Path(__file__).resolve().parents[4]
_CHECK_TIMEOUT_S = 120
_LOWEST_PRIORITY = 19


class Loader:
    """Makes a model of verified bytes; at full speed at first, at low priority once requests come.

    Attributes
    ----------
    is_serving : bool
        Whether requests come; set once, when the service starts.
    under_way : set of str
        The pipelines of which a version is being loaded now.
    """

    def __init__(self) -> None:
        self.is_serving = False
        self.under_way: set[str] = set()

    def load(self, body: bytes, manifest: Manifest, reference: bytes = b"") -> OnnxModel:
        """Return a model that has been tried, as `load_model` does.

        Raises
        ------
        VersionRefusedError, ManifestError, ModelOutputError
            As `load_model`.
        """
        if not self.is_serving:
            return load_model(body, manifest, reference)
        self.under_way.add(manifest.pipeline)
        try:
            with ThreadPoolExecutor(1, "load", initializer=_lower_priority) as pool:
                return pool.submit(load_model, body, manifest, reference, check_apart).result()
        finally:
            _give_memory_back()
            self.under_way.discard(manifest.pipeline)


def check_apart(body: bytes) -> None:
    """Return when `check_graph` accepts `body`, in a process of its own.

    Raises
    ------
    VersionRefusedError
        If it does not, or ends without a result, as when it takes too much memory or time.
    """
    command = [sys.executable, "-m", graph_allowlist.__name__]
    env = {"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", os.defpath)}
    with TemporaryFile() as file:
        file.write(body)
        file.seek(0)
        try:
            check = subprocess.run(
                command, env=env, stdin=file, capture_output=True, timeout=_CHECK_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as err:
            raise VersionRefusedError("model.onnx could not be checked in time") from err
    if check.returncode == graph_allowlist.REFUSED:
        raise VersionRefusedError(check.stdout.decode())
    if check.returncode != 0:
        raise VersionRefusedError(
            f"model.onnx could not be checked: the check ended with {check.returncode}"
        )


def _give_memory_back() -> None:
    # Building a session takes several times its size; glibc would keep all of it for later.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)

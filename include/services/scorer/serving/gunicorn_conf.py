"""How gunicorn serves the scorer; options on its command line override these.

    gunicorn -c python:include.services.scorer.serving.gunicorn_conf ...

Read by the gunicorn master before it forks: the folder of the workers' shared counters must be
named before `prometheus_client` is imported. It lies in the cache folder, which therefore belongs
to one gunicorn; no pipeline can have its name, because of the hyphen.
"""

import ctypes
import gc
import os
import resource
import shutil
from pathlib import Path
from typing import Any

bind = "127.0.0.1:8000"
worker_class = "include.services.scorer.serving.worker.PatientWorker"
workers = 2
threads = 2  # more of them only wait for the GIL, and the last one longest
keepalive = 30
graceful_timeout = 20
timeout = 60
control_socket_disable = True

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_OPEN_FILES = 4096  # a worker has 1,000 connections and its own; many systems begin with 1,024


# gunicorn has no annotations: its arbiter and workers are `Any`.
def on_starting(server: Any) -> None:
    """Leave an empty folder for the counters; a missing variable is named by `wsgi.create`."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else ONNX Runtime reports to its maker
    if cache_dir := os.environ.get("NIGHTCATCH_CACHE_DIR"):
        folder = Path(cache_dir, "worker-metrics")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    _limit_arenas()
    _allow_open_files()


def post_worker_init(worker: Any) -> None:
    """Show the worker what scores waiting questions together, if its application has that.

    And leave what it has loaded out of the garbage collector, which stops all its requests.
    """
    from include.services.scorer.serving.micro_batch import EXTENSION

    worker.ahead = worker.wsgi.extensions.get(EXTENSION)
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """Take the gauges of a worker that ended out of ``/metrics``."""
    from prometheus_client import multiprocess

    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _allow_open_files() -> None:
    """Raise what the system allows to begin with: a worker that can open no more would end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _limit_arenas() -> None:
    """Let glibc keep few heaps: the threads that load versions would each leave one behind."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)

"""Serve the scorer: ``python -m include.services.scorer --host 0.0.0.0 --port 8000``.

granian speaks HTTP; its own command line would do but for what must be ready before its workers are
forked: the settings, an empty folder for the counters that the workers share, and limits of the
process.
"""

import argparse
import ctypes
import logging
import os
import resource
import shutil
import sys
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from include.errors import SettingMissingError
from include.services.scorer.settings import read_settings

APP = "include.services.scorer.wsgi:create"
_WORKERS = 2
# A request holds a thread until its body has arrived and its response is taken: as many slow
# clients of each worker delay nobody. A thread that waits costs some 30 KiB.
_THREADS = 128
# Of each worker: what granian calls backpressure counts connections, the idle ones too.
_CONNECTIONS = 16_384
# For the head of a request, and so how long a connection may be idle.
_HEADER_TIMEOUT_MS = 30_000
_HEADER_BYTES = 64 * 1024
# At SIGHUP, between the start of a new worker and the end of its predecessor: it loads its models.
_RENEWAL_S = 10.0
# Below the 25 s that Compose and roll.sh give a container to stop.
_DRAIN_TIMEOUT_S = 20
_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_OPEN_FILES = 65_536


def main() -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one."""
    parser = argparse.ArgumentParser(prog="python -m include.services.scorer", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=_WORKERS, help="processes")
    options = parser.parse_args()
    try:
        settings = read_settings()
    except SettingMissingError as err:
        sys.exit(str(err))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    prepare_process(settings.cache_dir)
    Granian(
        APP,
        address=options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        factory=True,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_TIMEOUT_MS, max_buffer_size=_HEADER_BYTES
        ),
        websockets=False,
        workers=options.workers,
        blocking_threads=_THREADS,
        backpressure=_CONNECTIONS,
        respawn_failed_workers=True,
        respawn_interval=_RENEWAL_S,
        workers_kill_timeout=_DRAIN_TIMEOUT_S,
        # To standard error, as all else: standard output is the access log's alone.
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"propagate": True}}},
    ).serve()


def prepare_process(cache_dir: Path) -> None:
    """Set what the workers inherit; counters and files of an earlier process are dropped.

    Parameters
    ----------
    cache_dir : Path
        Belongs to one server alone.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime would report to its maker
    # No pipeline can have these names, because of the hyphen.
    metrics, files = cache_dir / "worker-metrics", cache_dir / "temporary-files"
    for folder in (metrics, files):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)  # before prometheus_client is imported
    os.environ["TMPDIR"] = str(files)  # /tmp is memory in a container
    (cache_dir / "rate-limits").unlink(missing_ok=True)  # its times are of one boot
    _limit_arenas()
    allow_open_files()


def allow_open_files() -> None:
    """Raise the soft limit of open files, which is often 1,024: a connection is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _limit_arenas() -> None:
    """Limit glibc to few heaps: each thread that loads a version would leave one behind."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


if __name__ == "__main__":
    main()

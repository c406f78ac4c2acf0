"""How gunicorn serves the scorer; options on its command line override these.

Read by the gunicorn master before it forks: the folder of the workers' shared counters must be
named before `prometheus_client` is imported.
"""

import os
import shutil
import tempfile
from typing import Any

bind = "127.0.0.1:8000"
worker_class = "gthread"
workers = 2
threads = 4
keepalive = 30
graceful_timeout = 20
timeout = 60
control_socket_disable = True

_counters = tempfile.mkdtemp(prefix="nightcatch-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _counters


# gunicorn has no annotations: its arbiter and workers are `Any`.
def child_exit(server: Any, worker: Any) -> None:
    """Take the gauges of a worker that ended out of ``/metrics``."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Remove the counters with the service whose they are."""
    shutil.rmtree(_counters, ignore_errors=True)

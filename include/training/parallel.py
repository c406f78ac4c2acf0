"""Run tasks of joblib sequentially, in local processes, or on a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from include.errors import ClusterUnavailableError, SettingMissingError

_CONNECT_TIMEOUT_S = 20


@contextmanager
def parallel_tasks(
    backend: str, scheduler: str, *, timeout_s: float = _CONNECT_TIMEOUT_S
) -> Iterator[None]:
    """Run what uses joblib in this block by one of its backends; results do not depend on it.

    Features are computed so, and folds fitted.

    Parameters
    ----------
    backend : {"", "sequential", "loky", "dask"}
        Sequentially; in one process per core; on the workers of a Dask cluster.
    scheduler : str
        Address of Dask's scheduler, such as ``tcp://scheduler:8786``.
    timeout_s : float
        Limit for connecting to the scheduler, and for its first worker.

    Raises
    ------
    SettingMissingError
        If the backend is unknown, or `dask` is given without a scheduler.
    ClusterUnavailableError
        If the scheduler does not respond, or has no worker.
    """
    if backend in ("", "sequential"):
        yield
    elif backend == "loky":
        with _processes():
            yield
    elif backend == "dask" and scheduler:
        with _cluster(scheduler, timeout_s):
            yield
    elif backend == "dask":
        raise SettingMissingError(
            "the joblib backend is dask, but DASK_SCHEDULER_ADDRESS is not set"
        )
    else:
        raise SettingMissingError(
            f"joblib backend {backend!r} must be one of sequential, loky, dask"
        )


@contextmanager
def _processes() -> Iterator[None]:
    from joblib.externals.loky import get_reusable_executor

    try:
        with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
            yield
    finally:
        get_reusable_executor().shutdown(
            wait=True
        )  # a task process ends without running exit handlers


@contextmanager
def _cluster(scheduler: str, timeout_s: float) -> Iterator[None]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=timeout_s)  # type: ignore[no-untyped-call]
    except OSError as err:  # among them TimeoutError
        raise ClusterUnavailableError(f"no Dask scheduler responds at {scheduler}") from err
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout_s)
        except TimeoutError as err:
            raise ClusterUnavailableError(f"the Dask scheduler {scheduler} has no worker") from err
        with joblib.parallel_config("dask", n_jobs=-1):
            yield

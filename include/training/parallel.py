"""Where the folds of a search are fitted: one after another here, or where joblib spreads them."""

from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from include.errors import ClusterUnavailableError, SettingMissingError

_CONNECT_TIMEOUT_S = 20


@contextmanager
def folds_spread(
    backend: str, scheduler: str, *, timeout_s: float = _CONNECT_TIMEOUT_S
) -> Iterator[None]:
    """Fit the folds of searches in this block by a backend of joblib; figures are the same by any.

    Parameters
    ----------
    backend : {"", "sequential", "loky", "dask"}
        One after another; in a process for each core of this machine; in the workers of a Dask
        cluster.
    scheduler : str
        Address of Dask's scheduler, such as ``tcp://scheduler:8786``.
    timeout_s : float
        How long the cluster may take to answer, and to have a worker.

    Raises
    ------
    SettingMissingError
        If there is no such backend, or `dask` is asked for without a scheduler.
    ClusterUnavailableError
        If the scheduler does not answer, or has no worker.
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
        raise SettingMissingError("folds go to Dask, but DASK_SCHEDULER_ADDRESS is not set")
    else:
        raise SettingMissingError(
            f"joblib's backend {backend!r} is none of sequential, loky and dask"
        )


@contextmanager
def _processes() -> Iterator[None]:
    from joblib.externals.loky import get_reusable_executor

    try:
        with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
            yield
    finally:
        get_reusable_executor().shutdown(wait=True)  # a task ends without Python's exit handlers


@contextmanager
def _cluster(scheduler: str, timeout_s: float) -> Iterator[None]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=timeout_s)  # type: ignore[no-untyped-call]
    except OSError as err:  # among them TimeoutError
        raise ClusterUnavailableError(f"no Dask scheduler answers at {scheduler}") from err
    with client:
        try:
            client.wait_for_workers(1, timeout=timeout_s)
        except TimeoutError as err:
            raise ClusterUnavailableError(f"the Dask scheduler {scheduler} has no worker") from err
        with joblib.parallel_config("dask", n_jobs=-1):
            yield

"""Folds are fitted where they are told to, and the figures are the same."""

import os
from contextlib import contextmanager

import joblib
import psutil
import pytest
from distributed import LocalCluster

from include.errors import ClusterUnavailableError, SettingMissingError
from include.stack.ports import pick_port
from include.training.families import tabular_families
from include.training.parallel import parallel_folds
from include.training.search import search_family

FAMILIES = {family.name: family for family in tabular_families("quick", 0)}


def search(rows, family):
    return search_family(FAMILIES[family], rows.X, rows.y, rows.groups, seed=0, n_folds=2)


def processes():
    """Of those who fit what is fitted here."""
    return set(joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(8)))


@contextmanager
def started(n_workers):
    somewhere = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=n_workers, threads_per_worker=1, **somewhere) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def scheduler():
    with started(n_workers=2) as address:
        yield address


@pytest.mark.parametrize(
    ("backend", "family"),
    [
        ("loky", "KNN"),
        ("dask", "HistGradientBoosting"),
        pytest.param("dask", "KNN", marks=pytest.mark.heavy),
        pytest.param("dask", "AdaBoost", marks=pytest.mark.heavy),
    ],
)
def test_the_figures_are_the_same_wherever_folds_are_fitted(rows, scheduler, backend, family):
    alone = search(rows, family)
    with parallel_folds(backend, scheduler):
        elsewhere = processes()
        spread = search(rows, family)

    assert os.getpid() not in elsewhere
    assert (spread.params, spread.scores) == (alone.params, alone.scores)


@pytest.mark.parametrize("backend", ["", "sequential"])
def test_folds_are_fitted_here_unless_asked_otherwise(backend):
    with parallel_folds(backend, "tcp://not-asked:8786"):
        assert processes() == {os.getpid()}


def test_no_process_stays_behind():
    with parallel_folds("loky", ""):
        elsewhere = processes()

    assert not any(map(psutil.pid_exists, elsewhere))


@pytest.mark.parametrize(
    ("backend", "scheduler", "reason"),
    [
        ("dask", "", "DASK_SCHEDULER_ADDRESS is not set"),
        ("ray", "", "'ray' must be one of sequential"),
    ],
)
def test_a_backend_that_cannot_be_is_refused_by_name(backend, scheduler, reason):
    with pytest.raises(SettingMissingError, match=reason), parallel_folds(backend, scheduler):
        pass


def test_a_cluster_that_is_away_or_empty_is_said_to_be():
    nobody = f"tcp://127.0.0.1:{pick_port()}"
    away = parallel_folds("dask", nobody, timeout_s=1)
    with pytest.raises(ClusterUnavailableError, match=f"responds at {nobody}"), away:
        pass
    with started(n_workers=0) as empty:
        idle = parallel_folds("dask", empty, timeout_s=1)
        with pytest.raises(ClusterUnavailableError, match="has no worker"), idle:
            pass

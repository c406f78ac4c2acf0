"""Folds are fitted where they are told to, and the figures are the same."""

import os
from contextlib import contextmanager

import joblib
import numpy as np
import psutil
import pytest
from distributed import LocalCluster

from include.errors import ClusterUnavailableError, SettingMissingError
from include.features.feature_sets import URLS
from include.stack.ports import pick_port
from include.training.families import tabular_families
from include.training.parallel import parallel_tasks
from include.training.search import search_family
from include.urls.reference.build import built_in_bytes
from include.urls.reference.container import from_bytes

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
    with parallel_tasks(backend, scheduler):
        elsewhere = processes()
        spread = search(rows, family)

    assert os.getpid() not in elsewhere
    assert (spread.params, spread.scores) == (alone.params, alone.scores)


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_features_are_the_same_bytes_wherever_they_are_computed(scheduler, backend):
    reference = from_bytes(built_in_bytes())
    urls = [f"https://login.example{number}.com/account?id={number}" for number in range(40)]
    tasks = [joblib.delayed(URLS.packed)(urls[at : at + 10], reference) for at in range(0, 40, 10)]
    here = [task[0](*task[1]) for task in tasks]
    with parallel_tasks(backend, scheduler):
        elsewhere = list(joblib.Parallel(return_as="generator")(tasks))

    for ours, theirs in zip(here, elsewhere, strict=True):
        assert np.array_equal(ours.bits, theirs.bits)
        assert np.array_equal(ours.values, theirs.values)


@pytest.mark.parametrize("backend", ["", "sequential"])
def test_folds_are_fitted_here_unless_asked_otherwise(backend):
    with parallel_tasks(backend, "tcp://not-asked:8786"):
        assert processes() == {os.getpid()}


def test_no_process_stays_behind():
    with parallel_tasks("loky", ""):
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
    with pytest.raises(SettingMissingError, match=reason), parallel_tasks(backend, scheduler):
        pass


def test_a_cluster_that_is_away_or_empty_is_said_to_be():
    nobody = f"tcp://127.0.0.1:{pick_port()}"
    away = parallel_tasks("dask", nobody, timeout_s=1)
    with pytest.raises(ClusterUnavailableError, match=f"responds at {nobody}"), away:
        pass
    with started(n_workers=0) as empty:
        idle = parallel_tasks("dask", empty, timeout_s=1)
        with pytest.raises(ClusterUnavailableError, match="has no worker"), idle:
            pass

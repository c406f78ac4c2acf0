"""The pool that heavy tasks share, made where it is missing, whichever way Airflow is started.

A task of a pool that does not exist waits for ever. So the scheduler, the DAG processor and the
triggerer look when they start, and the scheduler again at the start of every run: who deletes the
pool finds it made anew. A pool that is there is left as it is, whatever its size.
"""

import logging
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_log = logging.getLogger(__name__)


class PoolKeeper:
    """Hears of components and runs that start."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Make the pool when a component starts that may write to Airflow's database."""
        from airflow.jobs.job import Job
        from airflow.utils.session import create_session

        if isinstance(component, Job):
            with create_session() as session:
                ensure_pool(session)

    @hookimpl
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:
        """Make the pool, within the scheduler's own transaction, when a run begins."""
        from sqlalchemy.orm import object_session

        if (session := object_session(dag_run)) is not None:
            ensure_pool(session)


def ensure_pool(session: "Session") -> None:
    """Return when the pool exists; two that make it at once leave one."""
    from airflow.models.pool import Pool
    from sqlalchemy import insert, select
    from sqlalchemy.exc import IntegrityError

    from dags.support.connections import POOL, POOL_SLOTS

    if session.scalar(select(Pool.id).where(Pool.pool == POOL)) is not None:
        return
    described = "NightCatch: a slot is a gigabyte of memory that a task may need"
    made = insert(Pool).values(
        pool=POOL, slots=POOL_SLOTS, description=described, include_deferred=False
    )
    try:
        # Of the connection: the scheduler takes a savepoint of its session for a commit.
        with session.connection().begin_nested():
            session.execute(made)
    except IntegrityError:
        _log.debug("pool %s was made meanwhile", POOL)
    else:
        _log.info("pool %s is made, with %d slots", POOL, POOL_SLOTS)


class PoolsPlugin(AirflowPlugin):
    """Keeps the pool there."""

    name = "pools"
    listeners = [PoolKeeper()]  # noqa: RUF012 - Airflow reads a plain list

"""Buttons on tasks that lead to what they made: Data Docs, report, Models page, MLflow.

Airflow writes a link down as an XCom when its task ends, so that it is there after a failure too.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink

from dags.support.connections import mlflow_page
from include.contract.dag_ids import trained_by

_WATCHED = "_nightcatch_watched"


class DataDocsLink(BaseOperatorLink):
    """Which rules the run's records broke, and how far they moved."""

    name = "Data Docs"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the run's Data Docs."""
        return f"/data-docs/?dag_id={ti_key.dag_id}&run_id={quote(ti_key.run_id, safe='')}"


class ReportLink(BaseOperatorLink):
    """The report of the version that the run packaged."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the report; it is there once the version is packaged."""
        return f"/data-docs/reports/{ti_key.dag_id}/{quote(ti_key.run_id, safe='')}"


class ModelsLink(BaseOperatorLink):
    """What is in production, who approved it, and what could replace it."""

    name = "Models"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the pipeline's models."""
        return f"/models/{trained_by(ti_key.dag_id)}"


class MlflowLink(BaseOperatorLink):
    """The run beside all others, with the figures of each candidate."""

    name = "MLflow"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the pipeline's runs; empty where none are tracked."""
        return mlflow_page(trained_by(ti_key.dag_id))


class TrafficLink(BaseOperatorLink):
    """The page about the day that a task watched."""

    name = "Traffic"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the page; empty where nothing was scored."""
        return str(getattr(operator, _WATCHED, ""))

    @staticmethod
    def path(pipeline: str, day: str) -> str:
        """Return where the page of a day is."""
        return f"/models/{pipeline}/traffic/{day}"

    @staticmethod
    def show(operator: Any, pipeline: str, day: str) -> None:
        """Let the link of this task lead to a day: its key alone does not tell which."""
        setattr(operator, _WATCHED, TrafficLink.path(pipeline, day))


def with_links(link: BaseOperatorLink, *results: Any) -> None:
    """Return when the tasks that return these results show the link."""
    for result in results:
        result.operator.operator_extra_links = (link,)


def show_link(context: Mapping[str, Any], link: BaseOperatorLink) -> None:
    """Write a mapped task's link down: Airflow 3.3 forgets it when it takes the map apart."""
    ti = context["ti"]
    ti.xcom_push(key=link.xcom_key, value=link.get_link(ti.task, ti_key=ti))

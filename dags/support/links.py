"""Links from tasks to Data Docs, report, Models page, MLflow and traffic page.

Airflow stores a link as an XCom when its task ends, after a failure too.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink

from dags.support.connections import mlflow_page
from include.contract.dag_ids import trained_by

_WATCHED = "_nightcatch_watched"


class DataDocsLink(BaseOperatorLink):
    """Link to the validation and drift results of the run."""

    name = "Data Docs"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the run's Data Docs."""
        return f"/data-docs/?dag_id={ti_key.dag_id}&run_id={quote(ti_key.run_id, safe='')}"


class ReportLink(BaseOperatorLink):
    """Link to the report of the version that the run packaged."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the report, which exists once the version is packaged."""
        return f"/data-docs/reports/{ti_key.dag_id}/{quote(ti_key.run_id, safe='')}"


class ModelsLink(BaseOperatorLink):
    """Link to the pipeline's versions and approvals."""

    name = "Models"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the pipeline's models."""
        return f"/models/{trained_by(ti_key.dag_id)}"


class MlflowLink(BaseOperatorLink):
    """Link to the tracked runs of the pipeline."""

    name = "MLflow"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the address of the pipeline's runs; empty where none are tracked."""
        return mlflow_page(trained_by(ti_key.dag_id))


class TrafficLink(BaseOperatorLink):
    """Link to the traffic page of the day."""

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
        """Set the day that the link of this task points to; the task key does not have it."""
        setattr(operator, _WATCHED, TrafficLink.path(pipeline, day))


def with_links(link: BaseOperatorLink, *results: Any) -> None:
    """Add the link to the tasks that return these results."""
    for result in results:
        result.operator.operator_extra_links = (link,)


def show_link(context: Mapping[str, Any], link: BaseOperatorLink) -> None:
    """Store a mapped task's link: Airflow 3.3 drops it when it expands the map."""
    ti = context["ti"]
    ti.xcom_push(key=link.xcom_key, value=link.get_link(ti.task, ti_key=ti))

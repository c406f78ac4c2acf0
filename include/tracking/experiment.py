"""The experiment of a pipeline in MLflow: its name, how its page opens, and where it is."""

import json
from urllib.parse import quote, urlencode

import httpx

_VIEW = "nightcatch"
_TIMEOUT_S = 3.0
# Only columns that people compare; MLflow's own are source, models and data sets.
_COLUMNS = (
    "tags.`outcome`",
    "params.`family`",
    "metrics.`test_recall`",
    "metrics.`test_fpr`",
    "metrics.`test_roc_auc`",
    "metrics.`test_ece`",
    "metrics.`rows_train`",
    "tags.`version`",
)
TAGS = {
    # Without it MLflow opens the experiment in its view for language models.
    "mlflow.experimentKind": "custom_model_development",
    # A view that MLflow's own button *Share* would keep, under a name of ours.
    f"mlflow.sharedViewState.{_VIEW}": json.dumps({"selectedColumns": _COLUMNS}),
}


def experiment_name(pipeline: str) -> str:
    """Return the name of the experiment that holds a pipeline's runs."""
    return f"nightcatch-{pipeline}"


def experiments_page(public_url: str) -> str:
    """Return the address of MLflow's experiments, as a browser reaches it."""
    return f"{public_url.rstrip('/')}/#/experiments?workflowType=machine_learning"


def runs_page(public_url: str, url: str, pipeline: str) -> str:
    """Return the address of a pipeline's runs with the columns that matter.

    Parameters
    ----------
    public_url, url : str
        MLflow as a browser reaches it, and as this process does.
    pipeline : str

    Returns
    -------
    str
        Of the experiments, searched for this one, where MLflow cannot be asked for its id.
    """
    name, base = experiment_name(pipeline), public_url.rstrip("/")
    try:
        found = httpx.get(
            f"{url.rstrip('/')}/api/2.0/mlflow/experiments/get-by-name",
            params={"experiment_name": name},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        number = str(found.raise_for_status().json()["experiment"]["experiment_id"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return f"{experiments_page(base)}&searchFilter={quote(name)}"
    shown = urlencode({"workflowType": "machine_learning", "viewStateShareKey": _VIEW})
    return f"{base}/#/experiments/{quote(number, safe='')}/runs?{shown}"

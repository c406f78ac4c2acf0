"""The whole loop on screen: servers, records, a training run, a prediction of its model."""

import json
import shlex
import time
from collections.abc import Mapping
from typing import Any

import pymongo

from include.cli.commands.load import load_source, loaded_records
from include.cli.commands.training_run import follow, trigger
from include.cli.installation import EmbeddedInstallation
from include.cli.production import ProductionVersion, production_version
from include.cli.screen import Screen
from include.contract.dag_ids import train_dag
from include.errors import DagRunError, ServerTimeoutError
from include.pipelines import Pipeline, get
from include.stack.http import request_json
from include.stack.stack import Stack
from include.stores.documents import DATABASE

_SWAP_TIMEOUT_S = 60.0
_POLL_S = 0.25
_CANDIDATES = 400
_FIGURES = ("recall", "fpr", "precision", "review_recall", "review_fpr", "roc_auc")


def run_demo(installation: EmbeddedInstallation, pipeline_name: str, screen: Screen) -> None:
    """Run the whole loop, and score a record with the model that was published.

    Parameters
    ----------
    installation : EmbeddedInstallation
        Its servers are started if they do not run, and left running.
    pipeline_name : str
    screen : Screen

    Raises
    ------
    DagRunError
        If the run failed or put no new version into production.
    """
    pipeline, stack = get(pipeline_name), installation.stack
    with stack.starting(screen.say, stack.background) as meanwhile:
        with stack.starting(screen.say, stack.needed) as ready:
            ready["mongo"].wait()
            _load(installation, pipeline, screen)
        for startup in meanwhile.values():
            startup.is_finished()  # a server that cannot start is reported before training
        found = _publish(installation, pipeline, screen)
    record, label = held_back_record(installation.mongo_url, pipeline)
    request = _request(pipeline, record)
    response = _prediction_of(stack.settings.scorer_url, found.pointer.version, request)
    screen.say(f"scorer   serves version {found.pointer.version}, serial {found.pointer.serial}")
    _show_prediction(stack, request, label, response, screen)
    _show_figures(found, screen)
    _show_places(stack, screen)


def _publish(
    installation: EmbeddedInstallation, pipeline: Pipeline, screen: Screen
) -> ProductionVersion:
    api, dag_id = installation.airflow, train_dag(pipeline.name)
    run_id = trigger(api, dag_id, {}, screen)
    follow(api, dag_id, run_id, screen)
    found = production_version(installation.store, pipeline.name, installation.trusted_keys)
    if found is None or found.pointer.run_id != run_id:
        raise DagRunError(f"{dag_id}: the run {run_id} succeeded but put no model into production")
    return found


def held_back_record(mongo_url: str, pipeline: Pipeline) -> tuple[dict[str, Any], str]:
    """Return a record on the test side of the split, which no model was trained on.

    Parameters
    ----------
    mongo_url : str
    pipeline : Pipeline

    Returns
    -------
    record : dict
        The model's inputs.
    label : str
        Its label in the data set.
    """
    import pandas as pd

    from include.run.rows import SPLIT_SALT
    from include.training.split import assign_sides

    names = [field.name for field in pipeline.inputs]
    complete = {name: {"$exists": True} for name in (*names, pipeline.target.source)}
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        collection = client[DATABASE][pipeline.collection]
        frame = pd.DataFrame(list(collection.find(complete).sort("_id").limit(_CANDIDATES)))
    sides = assign_sides(pipeline.group_keys(frame), SPLIT_SALT, pipeline.shares)
    record = json.loads(frame[sides == "test"].iloc[:1].to_json(orient="records"))[0]
    phishing = pipeline.target.encode([record[pipeline.target.source]])[0] == 1
    return {name: record[name] for name in names}, "Phishing" if phishing else "Legitimate"


def _load(installation: EmbeddedInstallation, pipeline: Pipeline, screen: Screen) -> None:
    url = installation.mongo_url
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        n_records, simulated = loaded_records(client[DATABASE][pipeline.collection])
    if n_records and not simulated:
        screen.say(f"load     {n_records:,} records are there already")
        return
    data_dir, download_dir = installation.data_dir, installation.download_dir
    load_source(url, pipeline, "auto", data_dir, download_dir, screen)


def _request(pipeline: Pipeline, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request: a pipeline of one text takes it by itself."""
    if pipeline.features is None:
        return {"record": dict(record)}
    (field,) = pipeline.inputs
    return {field.name: record[field.name]}


def _prediction_of(scorer_url: str, version: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send the request until the new version serves it; the scorer polls the bucket."""
    deadline = time.monotonic() + _SWAP_TIMEOUT_S
    while time.monotonic() < deadline:
        status, response = request_json("POST", f"{scorer_url}/predict", request)
        if status == 200 and response["model"]["version"] == version:
            return dict(response)
        time.sleep(_POLL_S)
    raise ServerTimeoutError(
        f"scorer: does not serve version {version} after {_SWAP_TIMEOUT_S:.0f} s, but returned"
        f" {status}: {json.dumps(response)}; its log has the reason"
    )


def _show_prediction(
    stack: Stack,
    request: Mapping[str, Any],
    label: str,
    response: Mapping[str, Any],
    screen: Screen,
) -> None:
    url, body = stack.settings.scorer_url, shlex.quote(json.dumps(request))
    screen.show("\nA record that the model was not trained on:")
    screen.show(f"curl -s {url}/predict -H 'Content-Type: application/json' -d {body}")
    screen.show(json.dumps(response, indent=1))
    screen.show(f"Its label in the data set: {label}.")


def _show_figures(found: ProductionVersion, screen: Screen) -> None:
    test, random_split = (found.manifest.metrics[side] for side in ("test", "random_split"))
    screen.show(f"\n{'Figures of this model':<24}{'group-disjoint':>10}{'random split':>15}")
    for name in _FIGURES:
        if name in test and name in random_split:
            screen.show(f"  {name:<22}{test[name]:>10.4f}{random_split[name]:>15.4f}")
    screen.show(
        "Group-disjoint: no duplicate of a test record was trained on (equal features, or\n"
        "the same domain). A random split puts duplicates into training and flatters every model."
    )
    if found.manifest.snapshot.get("simulated"):
        screen.show("SIMULATED records: these figures say nothing about real phishing.")


def _show_places(stack: Stack, screen: Screen) -> None:
    settings = stack.settings
    screen.show(
        f"\nAirflow   {settings.airflow_url}   (user admin, password in"
        f" {stack.secrets.airflow_passwords})"
        f"\nScorer    {settings.scorer_url}"
        f"\nMLflow    {settings.mlflow_public_url or 'not used: NIGHTCATCH_MLFLOW_URL is empty'}"
    )

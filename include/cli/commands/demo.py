"""The whole loop on screen: servers, records, training runs, predictions of their models."""

import argparse
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pymongo

from include.cli.airflow_api import AirflowApi, TaskState
from include.cli.commands.demo_requests import (
    ScorerOf,
    ask_for_record,
    ask_for_urls,
    show_figures,
)
from include.cli.commands.load import load_source, loaded_records
from include.cli.commands.training_run import follow, trigger
from include.cli.installation import EmbeddedInstallation
from include.cli.progress import ProgressScreen, Step
from include.cli.screen import Screen
from include.contract.dag_ids import train_dag
from include.errors import DagRunError
from include.ingest.labels.selection import select_records
from include.ingest.snapshot.extract import write_snapshot
from include.pipelines import Pipeline, get
from include.registry.production import ProductionVersion, production_version
from include.stack.environment import code_commit
from include.stack.stack import Stack
from include.stack.startup import Startup, wait_for_all
from include.stores.documents import DATABASE
from include.tracking.experiment import experiments_page

PIPELINES = ("urls", "sites")
"""What is trained, in that order, unless one is named."""
_SERVERS_S, _ASK_S, _PAGES_S = 20.0, 2.0, 5.0
_WATCH_S = 1.0
# A training run: seconds on two cores, and more for each thousand records.
_RUN_S = {"urls": (70.0, 3.0), "sites": (60.0, 0.6)}
# Of few URLs, quick effort learns too little of log-in pages to pass the gate.
_QUICK_FROM = {"urls": 20_000}
_ONE_CORE_FROM = "choose"


def demo(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Run the whole loop; with `--once` stop all, else stay and stop what was started on Ctrl-C."""
    stack = installation.stack
    Demo(installation, [args.pipeline] if args.pipeline else PIPELINES).run()
    if args.once:
        stack.down()
        screen.say("all servers are stopped")
        return 0
    screen.show("\nCtrl-C stops the servers that this command started; data stay.")
    try:
        while True:
            for server in stack.servers:
                server.process.require_running()
            time.sleep(_WATCH_S)
    except KeyboardInterrupt:
        screen.say("stopping")
        stack.stop_started()
    return 0


class Demo:
    """The servers of an installation, and what is trained on them.

    Parameters
    ----------
    installation : EmbeddedInstallation
        Its servers are started if they do not run, and left running.
    names : sequence of str
        The pipelines.
    """

    def __init__(self, installation: EmbeddedInstallation, names: Sequence[str]) -> None:
        self._installation = installation
        self._stack: Stack = installation.stack
        url, password = self._stack.settings.airflow_url, self._stack.secrets.airflow_password
        self._api = AirflowApi(url, "admin", password)
        self._start = Step("start five servers, load records", _SERVERS_S)
        self._pipelines = [get(name) for name in names]
        runs = [f"train {name}, ask its model" for name in names]
        about_s = [_run_seconds(name, 11_000) for name in names]
        self._runs = [Step(*each) for each in zip(runs, about_s, strict=True)]
        self._n_records: dict[str, int] = {}
        self._current: dict[str, ProductionVersion | None] = {}
        self._run_ids: dict[str, str] = {}
        self._rest = Step("have all pages ready", _PAGES_S)
        self.screen = ProgressScreen([self._start, *self._runs, self._rest])

    def run(self) -> None:
        """Train what is not up to date, and ask each model.

        Raises
        ------
        DagRunError
            If a run failed or put no new version into production.
        """
        screen, stack = self.screen, self._stack
        with screen.shown(), stack.starting(screen.say) as ready:
            with screen.step(self._start):
                ready["mongo"].wait()
                for pipeline, run in zip(self._pipelines, self._runs, strict=True):
                    self._n_records[pipeline.name] = self._load(pipeline)
                    run.about_s = _run_seconds(pipeline.name, self._n_records[pipeline.name])
                ready["s3"].wait()
                self._current = {p.name: self._up_to_date(p) for p in self._pipelines}
                for pipeline, run in zip(self._pipelines, self._runs, strict=True):
                    run.about_s = _ASK_S if self._current[pipeline.name] else run.about_s
                if not all(self._current.values()):
                    ready["airflow"].wait()
                ready["scorer"].wait()
            for pipeline, run in zip(self._pipelines, self._runs, strict=True):
                with screen.step(run):
                    found = self._current[pipeline.name]
                    kept = found is not None
                    run.detail = "its records and code have not changed since" if kept else ""
                    self._ask(pipeline, found or self._train(pipeline, ready))
                    run.detail = "kept from an earlier run" if kept else "in production"
            with screen.step(self._rest):
                wait_for_all(list(ready.values()))
        _show_places(stack, screen)

    def _load(self, pipeline: Pipeline) -> int:
        """Return how many records there are, once there are some."""
        installation, screen = self._installation, self.screen
        url = installation.mongo_url
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            n_records, simulated = loaded_records(client[DATABASE][pipeline.collection])
        if n_records and not simulated:
            screen.say(f"load     {pipeline.name}: {n_records:,} records are there already")
            return n_records
        data_dir, download_dir = installation.data_dir, installation.download_dir
        report = load_source(url, pipeline, "auto", data_dir, download_dir, screen)
        return report.n_inserted + report.n_unchanged

    def _up_to_date(self, pipeline: Pipeline) -> ProductionVersion | None:
        """Return the version in production if records and code are those it was trained with."""
        installation = self._installation
        found = production_version(installation.store, pipeline.name, installation.trusted_keys)
        if found is None or found.manifest.code_commit != code_commit(self._stack.settings.root):
            return None
        same = found.manifest.snapshot["digest"] == records_digest(installation.mongo_url, pipeline)
        return found if same else None

    def _train(self, pipeline: Pipeline, ready: Mapping[str, Startup]) -> ProductionVersion:
        """Return what a run put into production."""
        for startup in ready.values():
            startup.is_finished()  # a server that cannot start is reported before training
        dag_id = train_dag(pipeline.name)
        run_id = self._begin(pipeline)

        def begin_next(task: TaskState) -> None:
            """From here on a run keeps one core busy: begin the next pipeline's on the other."""
            if task.task_id == _ONE_CORE_FROM and task.state == "running":
                for each in self._pipelines:
                    if self._current[each.name] is None:
                        self._begin(each)

        try:
            follow(self._api, dag_id, run_id, self.screen, begin_next)
        except DagRunError as err:
            page = f"{self._stack.settings.airflow_url}/dags/{dag_id}/runs/{quote(run_id)}"
            raise DagRunError(f"{err}\n  To look at it: ./nightcatch up, then {page}") from err
        store, trusted_keys = self._installation.store, self._installation.trusted_keys
        found = production_version(store, pipeline.name, trusted_keys)
        if found is None or found.pointer.run_id != run_id:
            raise DagRunError(
                f"{dag_id}: the run {run_id} succeeded but put no model into production"
            )
        return found

    def _begin(self, pipeline: Pipeline) -> str:
        """Return the id of the pipeline's run; one that is under way is taken."""
        api, dag_id, name = self._api, train_dag(pipeline.name), pipeline.name
        if name not in self._run_ids:
            api.unpause(dag_id)  # waits until Airflow has read the DAG
            if under_way := api.running(dag_id):
                self._run_ids[name] = under_way[0]
                self.screen.say(f"train    {dag_id} runs already: {under_way[0]}")
            else:
                is_quick = self._n_records[name] >= _QUICK_FROM.get(name, 0)
                conf = {"effort": "quick"} if is_quick else {}
                self._run_ids[name] = trigger(api, dag_id, conf, self.screen)
        return self._run_ids[name]

    def _ask(self, pipeline: Pipeline, found: ProductionVersion) -> None:
        url, pointer, screen = self._stack.settings.scorer_url, found.pointer, self.screen
        screen.show(f"\nModel of {pointer.pipeline}: {pointer.version}, serial {pointer.serial}")
        if found.manifest.snapshot.get("simulated"):
            screen.show("  Trained on SYNTHETIC records: its verdicts are for practice only.")
        scorer = ScorerOf(url, found.manifest)
        if pipeline.features is None:
            ask_for_record(scorer, self._installation.mongo_url, pipeline, screen)
        else:
            ask_for_urls(scorer, screen)
        show_figures(found.manifest, screen)


def records_digest(mongo_url: str, pipeline: Pipeline) -> str:
    """Return the digest that a snapshot of the records would have now."""
    feeds = pipeline.feeds
    with (
        pymongo.MongoClient[dict[str, Any]](mongo_url) as client,
        TemporaryDirectory(prefix="nightcatch-demo-") as folder,
    ):
        collection = client[DATABASE][pipeline.collection]
        chosen = select_records(
            collection,
            pipeline.target,
            [feed.name for feed in feeds.feeds],
            feeds.max_source_share,
            datetime.now(UTC),
            since=pipeline.first_seen or "",
        )
        return write_snapshot(collection, pipeline.columns, Path(folder), query=chosen).digest


def _run_seconds(name: str, n_records: int) -> float:
    fixed_s, per_thousand_s = _RUN_S.get(name, (60.0, 1.0))
    return fixed_s + per_thousand_s * n_records / 1000


def _show_places(stack: Stack, screen: ProgressScreen) -> None:
    settings = stack.settings
    password = stack.secrets.airflow_password
    screen.show(
        f"\nThree pages to look at:"
        f"\n  Scorer     {settings.scorer_url}   paste a link, read the verdict and its reasons"
        f"\n  NightCatch {settings.airflow_url}/plugin/home   what runs, what waits, what it found"
        f"\n             user admin, password {password}"
    )
    if settings.mlflow_public_url:
        page = experiments_page(settings.mlflow_public_url)
        screen.show(f"  MLflow     {page}   runs side by side")

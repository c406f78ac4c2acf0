"""### Load records into MongoDB: from a file, a public data set, or a simulator.

**Trigger it** with the form: the pipeline, and where its records come from. `auto` looks in the
data directory (`NIGHTCATCH_DATA_DIR`), then among earlier downloads (`NIGHTCATCH_DOWNLOAD_DIR`),
then downloads the public set and checks a digest of its rows; only when there is none of these are
records simulated, and marked so; the notes in the XCom name the reasons. `path` reads a file of
the data directory: CSV, ARFF, or a list with one record per line, whose label is given below.

**Run it again** whenever you like: a record's id is made of what it is, so nothing is stored twice,
and a load that was killed is completed. Of several reports of one URL the earliest stays. Real
records replace simulated ones; simulated ones never join real ones.

**When it fails**: the log's last line says which file, line or column is wrong. MongoDB out of
reach is tried again by itself; nothing else is, because it cannot help. Lines that hold no record
are counted and the first hundred are listed in the task's XCom; the others are loaded. The XCom's
notes say what the numbers of the labels were taken for; a file whose labels contradict nearly all
that is stored, or the version in production, is refused until their coding is stated.

**Owner**: the NightCatch team.
"""

import logging
from dataclasses import asdict
from typing import Any

from airflow.sdk import DAG, Param, dag, get_current_context, task

from dags.support.callbacks import notify_failed_run
from dags.support.connections import (
    DEFAULT_ARGS,
    data_dir,
    download_dir,
    loader_connection,
    open_store,
    trusted_keys,
)
from dags.support.notes import note
from include import pipelines

_LOG = logging.getLogger(__name__)
_IN_THE_FILE = "in the file"
_NOT_STATED = "not stated"
_PARAMS = {
    "pipeline": Param(
        "sites",
        type="string",
        enum=list(pipelines.names()),
        title="Pipeline",
        description="Whose records.",
    ),
    "source": Param(
        "auto",
        type="string",
        enum=["auto", "simulated", "path"],
        title="Source",
        description="Where from: the public data set (simulated only if it cannot be had), "
        "the simulator, or the file named below.",
    ),
    "path": Param(
        None,
        type=["null", "string"],
        minLength=1,
        maxLength=255,
        title="File",
        description="With source `path`: a CSV or ARFF file, or a list, within the data directory.",
    ),
    "label": Param(
        _IN_THE_FILE,
        type="string",
        enum=[_IN_THE_FILE, "phishing", "legitimate"],
        title="Label",
        description="With source `path`: what every record of the file is, where it has no such "
        "column; a list needs it.",
    ),
    "labels": Param(
        _NOT_STATED,
        type="string",
        enum=[_NOT_STATED, "documented", "inverted"],
        title="Coding of the labels",
        description="With source `path`: whether the two numbers of its labels mean what the "
        "pipeline's do (urls: 1 is phishing; sites: -1 is phishing), or the opposite.",
    ),
    "source_name": Param(
        None,
        type=["null", "string"],
        minLength=1,
        maxLength=100,
        title="Reported by",
        description="With source `path`: who reported the records, where the file does not say.",
    ),
    "n_simulated": Param(
        11_055,
        type="integer",
        minimum=1,
        maximum=10_000_000,
        title="Simulated records",
        section="Simulation",
        description="How many to simulate, if any are.",
    ),
    "seed": Param(
        0,
        type="integer",
        minimum=0,
        title="Seed",
        section="Simulation",
        description="The same seed gives the same records.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=_PARAMS,
    doc_md=__doc__,
    description="Load records from a file, a public data set, or a simulator into MongoDB",
    tags=["nightcatch", "data"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def load_records() -> None:
    """Declare one task: the load is one stream, and resumes by itself."""

    @task
    def load() -> dict[str, Any]:
        from airflow.providers.mongo.hooks.mongo import MongoHook

        from include.ingest.feeds.state import FeedStates
        from include.ingest.files.download import inside
        from include.ingest.load import load_dataset
        from include.run.label_opinion import ProductionOpinion

        params = get_current_context()["params"]
        pipeline = pipelines.get(params["pipeline"])
        named, label, coding = params["source"] == "path", params["label"], params["labels"]
        with MongoHook(mongo_conn_id=loader_connection()) as hook:
            report = load_dataset(
                hook.get_collection(pipeline.collection),
                pipeline,
                path=inside(data_dir(), params["path"]) if named else None,
                label=label if named and label != _IN_THE_FILE else None,
                coding=coding if named and coding != _NOT_STATED else None,
                ask_model=ProductionOpinion(open_store, pipeline, trusted_keys),
                source_name=params["source_name"] if named else None,
                simulated=params["source"] == "simulated",
                data_dir=data_dir(),
                cache_dir=download_dir(),
                n_simulated=params["n_simulated"],
                seed=params["seed"],
                progress=lambda n_read: _LOG.info("%d lines read", n_read),
            )
            if not report.source.simulated:
                states = FeedStates(
                    hook.get_collection(pipeline.collection).database, pipeline.name
                )
                states.count_new("upload", report.n_inserted)
        for each in report.notes:
            _LOG.warning("%s", each)
        note(
            f"{pipeline.name}, {report.source.name}: {report.n_inserted:,} records added, "
            f"{report.n_unchanged:,} were there, {report.n_bad:,} bad lines"
        )
        return asdict(report)

    load()


load_records_dag: DAG = load_records()

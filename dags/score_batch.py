"""### Score files of the bucket, or records of MongoDB, into Parquet.

**Trigger it** with the form: where the rows are (a prefix below `incoming/` or `batch/`, with
Parquet, CSV or lists, gzipped too; or the records of the pipeline that match a filter), and a name.
The results are in `batch/<name>/`: `part-*.parquet` with every row in order, its own columns and
its verdict, probability, version, id or error; `summary.html`, a page with counts and a histogram;
`summary.json`; and `job.json`, which pins inputs and version. With *Preview* the run only says what
it would read.

| task | what it does | where to look |
|---|---|---|
| `begin` | finds the inputs, pins them and the version in production | log, XCom |
| `score` | a copy for each share of the inputs: scores what has no part yet, by the lists in effect | log: rows, and rows a second |
| `summarise` | counts; emits the asset `scored_batches` | `summary.html` in the bucket |

**Run it again** with the same name after any failure or kill: parts that are finished stay, and the
rest is scored by the same version. Another source or option needs another name.

**When it fails**: the log's last line says which input changed, lacks a column or is no such file.
S3 or MongoDB out of reach is tried again by itself. A task that was killed for lack of memory:
trigger it again with fewer *Processes*.

**Owner**: the NightCatch team.
"""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.callbacks import notify_failed_run
from dags.support.connections import DEFAULT_ARGS, POOL, open_store, trusted_keys
from dags.support.notes import note
from include import pipelines

if TYPE_CHECKING:
    from include.batch.steps import AskedBatch
    from include.contract.run_documents import BatchTotals

_log = logging.getLogger(__name__)
_SCORED = Asset(name="scored_batches", group="nightcatch")
_OBJECTS, _RECORDS = "objects of the bucket", "records of MongoDB"
_PARAMS = {
    "name": Param(
        None,
        type=["null", "string"],
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        title="Name",
        description="The results are in batch/<name>/; empty: the run's id. The name of a batch "
        "that was begun goes on with it.",
    ),
    "pipeline": Param(
        "urls",
        type="string",
        enum=list(pipelines.names()),
        title="Pipeline",
        description="Whose version scores.",
    ),
    "source": Param(
        _OBJECTS,
        type="string",
        enum=[_OBJECTS, _RECORDS],
        title="Source",
        description="Where the rows are.",
    ),
    "prefix": Param(
        "incoming/",
        type="string",
        pattern=r"^(incoming|batch)/",
        maxLength=500,
        title="Prefix",
        description="Of the objects: a folder below incoming/ or batch/.",
    ),
    "filter": Param(
        {},
        type="object",
        title="Filter",
        description='Of the records, such as {"source": "proxy", "first_seen": {"$gte": '
        '"2026-11-01"}}; {} are all.',
    ),
    "column": Param(
        None,
        type=["null", "string"],
        minLength=1,
        maxLength=255,
        title="Column",
        description="Which holds the URL, if it has none of the usual names.",
    ),
    "reasons": Param(
        False,
        type="boolean",
        title="Reasons",
        description="Of the rows that are Phishing or Suspicious; takes much longer.",
    ),
    "jobs": Param(
        1,
        type="integer",
        minimum=1,
        maximum=64,
        title="Processes",
        description="Of each task, on its machine.",
    ),
    "preview": Param(
        False,
        type="boolean",
        title="Preview",
        description="Only say what would be read; nothing is scored.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    params=_PARAMS,
    doc_md=__doc__,
    description="Score files of the bucket, or records of MongoDB, into Parquet",
    tags=["nightcatch", "scoring"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def score_batch() -> None:
    """Declare three tasks: the second is mapped over shares of the inputs."""
    summarise(score.expand(share=begin()))


@task
def begin() -> list[list[int]]:
    """Return the inputs by share, once they and the version are pinned."""
    from airflow.providers.mongo.hooks.mongo import MongoHook

    from include.batch.steps import begin as begin_batch
    from include.batch.steps import preview, shares_of

    context = get_current_context()
    asked = _asked(context["params"])
    with MongoHook(mongo_conn_id="nightcatch_mongo") as hook:
        collection = hook.get_collection(pipelines.get(asked.pipeline).collection)
        if context["params"]["preview"]:
            found = preview(asked, open_store(), collection)
            context["ti"].xcom_push(key="preview", value=found)
            note(f"preview: {found}")
            raise AirflowSkipException(f"would be scored: {found}")
        job = begin_batch(asked, open_store(), collection, trusted_keys())
    _log.info("%d inputs, version %s", len(job.inputs), job.version)
    return shares_of(job)


@task(pool=POOL)
def score(share: list[int]) -> dict[str, Any]:
    """Return the totals of a share of the inputs."""
    from include.batch.steps import score_share

    params = get_current_context()["params"]
    n_rows = 0

    def log(part: "BatchTotals", is_new: bool) -> None:
        nonlocal n_rows
        n_rows += part.rows
        _log.info("%d rows; a part of %d %s", n_rows, part.rows, "scored" if is_new else "found")

    totals = score_share(
        *(_name(), share, open_store(), trusted_keys()), jobs=params["jobs"], progress=log
    )
    return asdict(totals)


@task(outlets=[_SCORED])
def summarise(totals: list[dict[str, Any]]) -> dict[str, Any]:
    """Write figures and page of the batch."""
    from include.batch.summary import write_summary
    from include.contract.run_documents import BatchTotals

    context = get_current_context()
    whole = sum((BatchTotals(**each) for each in totals), BatchTotals())
    page = write_summary(open_store(), _name(), whole)
    summary = {"rows": whole.rows, "bad_rows": whole.bad_rows, **whole.by_verdict, "page": page}
    context["outlet_events"][_SCORED].extra = dict(summary)
    counted = ", ".join(f"{n:,} {verdict}" for verdict, n in whole.by_verdict.items())
    note(f"{whole.rows:,} rows: {counted}, {whole.bad_rows:,} without a verdict; {page}")
    return summary


def _name() -> str:
    context = get_current_context()
    return str(context["params"]["name"] or context["run_id"])


def _asked(params: Any) -> "AskedBatch":
    from include.batch.steps import AskedBatch

    is_prefix = params["source"] == _OBJECTS
    return AskedBatch(
        name=_name(),
        pipeline=params["pipeline"],
        prefix=params["prefix"] if is_prefix else "",
        where={} if is_prefix else params["filter"],
        column=params["column"] if is_prefix else None,
        reasons=params["reasons"],
    )


score_batch()

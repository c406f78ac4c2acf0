"""Name every object in the bucket; a name that no key may hold raises `ManifestError`."""

from include.contract.names import batch_source_prefix as batch_source_prefix
from include.contract.names import day_name, digest_name
from include.contract.names import file_name as file_name
from include.contract.names import is_version_name as is_version_name
from include.contract.names import path_below as path_below
from include.contract.names import pipeline_name as pipeline_name
from include.contract.names import safe_run_id as safe_run_id
from include.contract.names import version_name as version_name
from include.contract.names import version_time as version_time

MODEL_JOBLIB = "model.joblib"
MODEL_ONNX = "model.onnx"
MANIFEST = "manifest.json"
REPORT = "report.html"
MODEL_CARD = "model_card.json"
BOM = "bom.cdx.json"
SIGNATURE = "model.sig"
REFERENCE = "reference.bin"


def snapshots_prefix(pipeline: str) -> str:
    """Return the folder of all of a pipeline's snapshots."""
    return f"snapshots/{pipeline_name(pipeline)}/"


def snapshot_prefix(pipeline: str, digest: str) -> str:
    """Return the folder of one immutable snapshot."""
    return f"{snapshots_prefix(pipeline)}{digest_name('snapshot', digest)}/"


def snapshot_part(pipeline: str, digest: str, index: int) -> str:
    """Return the key of one Parquet part of a snapshot."""
    return f"{snapshot_prefix(pipeline, digest)}part-{index:05d}.parquet"


def snapshot_profile(pipeline: str, digest: str) -> str:
    """Return the key of a snapshot's profile, written after its parts."""
    return f"{snapshot_prefix(pipeline, digest)}profile.json"


def reference_file(digest: str) -> str:
    """Return the key of immutable reference data; the digest is the file's SHA-256."""
    return f"reference/{digest_name('reference', digest)}/{REFERENCE}"


def current_reference() -> str:
    """Return the key of which reference data the next training run uses."""
    return "reference/current.json"


def quarantine_prefix(pipeline: str) -> str:
    """Return the folder of the rows that all of a pipeline's runs rejected."""
    return f"quarantine/{pipeline_name(pipeline)}/"


def quarantine(pipeline: str, run_id: str) -> str:
    """Return the key of the rows a run rejected, with their reasons."""
    return f"{quarantine_prefix(pipeline)}{safe_run_id(run_id)}.parquet"


def runs_prefix(pipeline: str) -> str:
    """Return the folder of the intermediate results of all of a pipeline's runs."""
    return f"runs/{pipeline_name(pipeline)}/"


def run_prefix(pipeline: str, run_id: str) -> str:
    """Return the folder of the intermediate results of one run."""
    return f"{runs_prefix(pipeline)}{safe_run_id(run_id)}/"


def run_file(pipeline: str, run_id: str, name: str) -> str:
    """Return the key of an intermediate result of one run; `name` may hold one folder."""
    parts = "/".join(file_name(part) for part in name.split("/"))
    return run_prefix(pipeline, run_id) + parts


def snapshot_type_errors(pipeline: str, digest: str) -> str:
    """Return the key of the values of a snapshot that their column cannot hold."""
    return f"{snapshot_prefix(pipeline, digest)}type_errors.parquet"


def versions_prefix(pipeline: str) -> str:
    """Return the folder of all of a pipeline's model versions."""
    return f"models/{pipeline_name(pipeline)}/"


def version_prefix(pipeline: str, version: str) -> str:
    """Return the folder of one immutable model version."""
    return f"{versions_prefix(pipeline)}{version_name(version)}/"


def version_file(pipeline: str, version: str, name: str) -> str:
    """Return the key of one file of a model version."""
    return version_prefix(pipeline, version) + file_name(name)


def approved(pipeline: str) -> str:
    """Return the key of the pointer to the version in production, which changes in place."""
    return f"models/{pipeline_name(pipeline)}/approved.json"


def watched(pipeline: str) -> str:
    """Return the key of the watcher's timestamp: which approval was the latest a while ago."""
    return f"models/{pipeline_name(pipeline)}/timestamp.json"


def history_prefix(pipeline: str) -> str:
    """Return the folder of all approvals and rollbacks."""
    return f"models/{pipeline_name(pipeline)}/history/"


def history(pipeline: str, serial: int) -> str:
    """Return the key of one approval or rollback; zero-padded so that a listing is in order."""
    return f"{history_prefix(pipeline)}{serial:08d}.json"


def proposal(pipeline: str, serial: int, version: str) -> str:
    """Return the key of what a first approver proposes to become the approval of a serial."""
    return f"{versions_prefix(pipeline)}proposals/{serial:08d}.{version_name(version)}.json"


def decision_list(pipeline: str) -> str:
    """Return the key of the signed list of allowed and blocked sites, which changes in place."""
    return f"lists/{pipeline_name(pipeline)}/current.json"


def list_history(pipeline: str, serial: int) -> str:
    """Return the key of one state of a list; zero-padded so that a listing is in order."""
    return f"lists/{pipeline_name(pipeline)}/history/{serial:08d}.json"


def approving_prefix(pipeline: str, version: str) -> str:
    """Return how the keys of a version's approvals that are under way begin."""
    return f"{versions_prefix(pipeline)}approving/{version_name(version)}."


def approving(pipeline: str, version: str, run_id: str) -> str:
    """Return the key that is there while one approval of a version is under way."""
    return f"{approving_prefix(pipeline, version)}{safe_run_id(run_id)}.json"


def retiring(pipeline: str, version: str) -> str:
    """Return the key that is there while retention deletes a version; it cannot be approved."""
    return f"{versions_prefix(pipeline)}retiring/{version_name(version)}.json"


def docs_root() -> str:
    """Return the folder of all Data Docs, one folder for each pipeline in it."""
    return "docs/"


def docs_runs_prefix(pipeline: str) -> str:
    """Return the folder of the Data Docs of all of a pipeline's runs."""
    return f"{docs_root()}{pipeline_name(pipeline)}/"


def docs_prefix(pipeline: str, run_id: str) -> str:
    """Return the folder of the Data Docs of one run."""
    return f"{docs_runs_prefix(pipeline)}{safe_run_id(run_id)}/"


def traffic_days_prefix(pipeline: str) -> str:
    """Return the folder of everything that was scored."""
    return f"traffic/{pipeline_name(pipeline)}/"


def traffic_prefix(pipeline: str, day: str) -> str:
    """Return the folder of what was scored on one day (UTC, ``YYYY-MM-DD``)."""
    return f"{traffic_days_prefix(pipeline)}date={day_name(day)}/"


def traffic_file(pipeline: str, day: str, name: str) -> str:
    """Return the key of one batch of scored items, gzipped JSON lines."""
    return f"{traffic_prefix(pipeline, day)}{file_name(name)}.jsonl.gz"


def feedback_days_prefix(pipeline: str) -> str:
    """Return the folder of all the truth that ever came in."""
    return f"feedback/{pipeline_name(pipeline)}/"


def feedback_prefix(pipeline: str, day: str) -> str:
    """Return the folder of the truth that came in on one day (UTC, ``YYYY-MM-DD``)."""
    return f"{feedback_days_prefix(pipeline)}date={day_name(day)}/"


def feedback_file(pipeline: str, day: str, name: str) -> str:
    """Return the key of one batch of labels given later, gzipped JSON lines."""
    return f"{feedback_prefix(pipeline, day)}{file_name(name)}.jsonl.gz"


def monitoring_days_prefix(pipeline: str) -> str:
    """Return the folder of what was found in all days of a pipeline's traffic."""
    return f"monitoring/{pipeline_name(pipeline)}/"


def monitoring_prefix(pipeline: str, day: str) -> str:
    """Return the folder of what was found in the traffic of one day (UTC, ``YYYY-MM-DD``)."""
    return f"{monitoring_days_prefix(pipeline)}date={day_name(day)}/"


def monitoring_report(pipeline: str, day: str) -> str:
    """Return the key of the page about the traffic of one day."""
    return f"{monitoring_prefix(pipeline, day)}{REPORT}"


def monitoring_findings(pipeline: str, day: str) -> str:
    """Return the key of the figures of that page, written after it."""
    return f"{monitoring_prefix(pipeline, day)}findings.json"


def sample_reviews(pipeline: str, day: str) -> str:
    """Return the key of what reviewers decided on the random sample of one day."""
    return f"{monitoring_prefix(pipeline, day)}reviews.json"


def release_figures(pipeline: str, day: str, serial: int) -> str:
    """Return the key of what was found of the release of a serial, approved on a day."""
    return f"{monitoring_prefix(pipeline, day)}release-{serial:08d}.json"


def disagreements(pipeline: str, version: str, before: str) -> str:
    """Return the key of the items on which two versions disagree, with what people said of them."""
    due = version_time(version)
    day = f"{due[:4]}-{due[4:6]}-{due[6:8]}"
    file = f"disagreements-{version_name(version)}-{version_name(before)}.json"
    return monitoring_prefix(pipeline, day) + file


def outbox_prefix(pipeline: str) -> str:
    """Return the folder of the runs that the tracking server has not been told of yet."""
    return f"tracking/outbox/{pipeline_name(pipeline)}/"


def outbox(pipeline: str, run_id: str) -> str:
    """Return the key of how one run ended, until the tracking server knows it."""
    return f"{outbox_prefix(pipeline)}{safe_run_id(run_id)}.json"


def reported_champion(pipeline: str) -> str:
    """Return the key of the serial that the tracking server was told last."""
    return f"tracking/champion/{pipeline_name(pipeline)}.json"


def unsent_prefix(receiver: str) -> str:
    """Return the folder of the alerts or events that one receiver could not be told yet."""
    return f"alerts/unsent/{pipeline_name(receiver)}/"


def unsent(receiver: str, message_id: str) -> str:
    """Return the key of one alert or event, until its receiver has it."""
    return f"{unsent_prefix(receiver)}{safe_run_id(message_id)}.json"


def sent_alerts_prefix() -> str:
    """Return the folder of the alerts that were given, so that none is given twice."""
    return "alerts/told/"


def sent_alert(message_id: str) -> str:
    """Return the key that says that one alert was given."""
    return f"{sent_alerts_prefix()}{safe_run_id(message_id)}.json"


def open_alerts() -> str:
    """Return the key of what is wrong now, and when people were told last."""
    return "alerts/standing.json"


def open_traffic_alerts(pipeline: str) -> str:
    """Return the key of what is wrong with a pipeline's traffic, as people were told."""
    return f"alerts/standing/{pipeline_name(pipeline)}.json"


def open_release_alerts(pipeline: str) -> str:
    """Return the key of what is wrong with a pipeline's release, as people were told."""
    return f"alerts/standing-release/{pipeline_name(pipeline)}.json"


def open_feed_alerts() -> str:
    """Return the key of what is wrong with feeds, as people were told."""
    return "alerts/standing-feeds.json"


def sent_decision(pipeline: str) -> str:
    """Return the key of the serial that the receiver of events was told last."""
    return f"alerts/decisions/{pipeline_name(pipeline)}.json"


def batch_prefix(name: str) -> str:
    """Return the folder of one batch: its job, its scored parts and their summary."""
    return f"batch/{safe_run_id(name)}/"


def batch_file(name: str, file: str) -> str:
    """Return the key of one file of a batch."""
    return batch_prefix(name) + file_name(file)

"""What came of a training run, in one line."""

from include.contract.signature import PublicKeys
from include.errors import ObjectMissingError
from include.pipelines import get
from include.registry.approve import read_history
from include.run.run_context import RunContext
from include.run.summary import summarise
from include.status.figures import Run, Schedule
from include.status.sources import Sources
from include.stores.objects import ObjectStore
from include.tracking.record import rejections

_UNDER_WAY = {"queued", "running"}


def result_of(sources: Sources, pipeline: str, schedule: Schedule) -> str:
    """Return what came of the last run; empty if there was none.

    Raises
    ------
    StoreUnavailableError, SignatureError, PointerError
    """
    if (run := schedule.last) is None:
        return ""
    if run.run_id in schedule.waiting:
        return "waits for an approval"
    if run.state in _UNDER_WAY:
        return "is under way"
    store, approvers = sources.store(), sources.trusted_keys().approvers
    if run.state == "failed":
        return _failure(sources, pipeline, run, accuracy_of(store, pipeline, run.run_id))
    return success_of(store, approvers, pipeline, run.run_id)


def success_of(store: ObjectStore, approvers: PublicKeys, pipeline: str, run_id: str) -> str:
    """Return how good the version of a successful run is, and whether it came into production.

    Errors are those of `result_of`.
    """
    accuracy = accuracy_of(store, pipeline, run_id)
    history = read_history(store, pipeline, approvers)
    pointers = [each for each in history if each.run_id == run_id]
    if not pointers:
        return f"{accuracy}kept, but not in production: a later run's version stays"
    return f"{accuracy}serial {pointers[-1].serial}, approved by {pointers[-1].decided_by}"


def accuracy_of(store: ObjectStore, pipeline: str, run_id: str) -> str:
    """Return the accuracy on the test side and a comma; empty if the run came not so far."""
    found = summarise(RunContext(store, get(pipeline), run_id))
    return f"accuracy {100 * found['accuracy']:.1f} %, " if "accuracy" in found else ""


def _failure(sources: Sources, pipeline: str, run: Run, accuracy: str) -> str:
    store, approvers = sources.store(), sources.trusted_keys().approvers
    try:
        verdicts, response = rejections(store, pipeline, run.run_id, approvers)
    except ObjectMissingError:
        verdicts, response = [], None
    if response is not None:
        return f"{accuracy}rejected by {response.by}: {response.reason}"
    if verdicts:
        more = f", and {len(verdicts) - 1} more" if len(verdicts) > 1 else ""
        return f"{accuracy}rejected by the gate: {verdicts[0].sentence}{more}"
    if not run.failures:
        return "failed before a task did: see the run in Airflow"
    return "; ".join(
        f"failed in {task}: {why or 'see its log'}" for task, why in run.failures.items()
    )

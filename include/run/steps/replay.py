"""Score the traffic of the last days with the chosen model and with the one in production."""

import logging
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.run_documents import ChosenModel, Replay, SnapshotSummary
from include.contract.verdicts import DecidedBy
from include.evaluation.replay import Replayed, replay_figures
from include.inference.decisions import by_lists_and_rules
from include.inference.listed import ListLookup
from include.monitoring.records.labels import read_feedback
from include.monitoring.records.sample import DistinctSample
from include.monitoring.records.traffic import Item, days_up_to, read_traffic
from include.pipelines import Pipeline
from include.registry.follow.verify import TrustedKeys
from include.registry.lists import current_list
from include.run.champion import Champion
from include.run.first_attempt import TrainerKeys, keep_first
from include.run.release.logged import logged_inputs
from include.run.rows import read_reference
from include.run.run_context import RunContext, recorded_step
from include.run.steps.training import read_chosen

N_DAYS = 7
LABEL_DAYS = 30
MAX_ITEMS = 20_000
_log = logging.getLogger(__name__)


@recorded_step("replay_traffic")
def replay_traffic(
    run: RunContext, champion: Champion | None, trusted_keys: TrustedKeys, trainer: TrainerKeys
) -> Replay:
    """Return what would have changed for those who asked in the last days.

    The same sample of requests, by their ids, is scored by both; a second attempt of the run takes
    over what the first one found.

    Parameters
    ----------
    run : RunContext
    champion : Champion or None
    trusted_keys : TrustedKeys
        Verify the list in effect.
    trainer : TrainerKeys

    Raises
    ------
    StoreUnavailableError
    SignatureError, ListRefusedError
        If there is a list that must not be used.
    """
    return keep_first(
        run, Replay, Replay.NAME, lambda: _replay(run, champion, trusted_keys), trainer
    )


def _replay(run: RunContext, champion: Champion | None, trusted_keys: TrustedKeys) -> Replay:
    if champion is None:
        return Replay(N_DAYS, missing="no version was in production")
    read_at = datetime.fromisoformat(run.read(SnapshotSummary).read_at)
    sample = _sample(run, f"{read_at:%Y-%m-%d}")
    requests = [
        (name, item, label) for name, (item, label) in sample.in_order() if item.inputs is not None
    ]
    if not requests:
        return Replay(N_DAYS, missing=f"none was kept in the last {N_DAYS} days")
    figures = replay_figures(
        _scored(run, champion, trusted_keys, requests, read_at),
        confidence=run.pipeline.policy.confidence,
    )
    _log.info(
        "%s: %d replayed requests, %d verdicts change, alerts %s",
        *(run.pipeline.name, figures["n"], figures["n_changed"], figures["alerts"]),
    )
    return Replay(N_DAYS, figures, sample.share, champion.pointer.version)


def _sample(run: RunContext, last_day: str) -> DistinctSample[tuple[Item, bool | None]]:
    """Return a sample of the last days' requests and of those that people said something of."""
    store, pipeline = run.store, run.pipeline
    sample: DistinctSample[tuple[Item, bool | None]] = DistinctSample(MAX_ITEMS)
    for day in days_up_to(last_day, N_DAYS):
        for name, item in read_traffic(store, pipeline, day, MAX_ITEMS).sample.in_order():
            sample.put(name, (item, None))
    for each in read_feedback(store, pipeline, last_day, LABEL_DAYS).labelled:
        sample.put(each.id, (each.item, each.said.is_phishing))
    return sample


def _scored(
    run: RunContext,
    champion: Champion,
    trusted_keys: TrustedKeys,
    requests: Sequence[tuple[str, Item, bool | None]],
    at: datetime,
) -> Replayed:
    is_text = run.pipeline.features is not None
    ids, items, labels = zip(*requests, strict=True)
    inputs = logged_inputs(run.pipeline, items)
    shown = [str(each) for each in inputs[:, 0]] if is_text else [""] * len(items)
    allowed, by_model = np.zeros(len(items), np.bool_), np.ones(len(items), np.bool_)
    if is_text:
        listed = ListLookup(current_list(run.store, run.pipeline.name, trusted_keys.approvers))
        decided = by_lists_and_rules(shown, listed, at.timestamp())
        allowed, by_model = (
            np.array([each == by for each in decided], np.bool_)
            for by in (DecidedBy.ALLOW_LIST, DecidedBy.MODEL)
        )
    frame = pd.DataFrame(inputs, columns=[each.name for each in run.pipeline.inputs])
    kept = np.array([not item.is_redacted for item in items], np.bool_)
    return Replayed(
        ids=ids,
        shown=shown,
        ours=_ours(run, inputs),
        theirs=champion.model.score(inputs).astype(np.float64),
        our_thresholds=run.read(ChosenModel).thresholds,
        their_thresholds=champion.manifest.thresholds,
        is_phishing=labels,
        allowed=allowed,
        sites=[str(each) for each in run.pipeline.group_keys(frame)],
        can_be_labelled=by_model & kept,
        parts=_parts(run.pipeline, frame),
    )


def _parts(pipeline: Pipeline, frame: pd.DataFrame) -> dict[str, npt.NDArray[np.object_]]:
    """Return the parts of requests; what only records have, such as a source, parts none."""
    if pipeline.slices is None:
        return {}
    whole = frame.copy()
    for detail in pipeline.layout.details:
        dtype = "datetime64[us]" if detail.dtype == "timestamp" else "str"
        whole[detail.name] = pd.Series(None, frame.index, dtype)
    parts = pipeline.slices(whole)
    return {str(name): parts[name].to_numpy(object) for name in parts if parts[name].nunique() > 1}


def _ours(run: RunContext, inputs: np.ndarray) -> np.ndarray:
    features, columns = run.pipeline.features, inputs
    reference = read_reference(run)
    if features is not None and reference is not None:
        columns = features.columns_of(inputs, reference)
    probability: np.ndarray = read_chosen(run).predict_proba(columns)[:, 1]
    return probability

"""What a version's report shows besides its figures, drawn from the test rows of a run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline as Steps

from include.contract import keys
from include.contract.pointer import Pointer
from include.errors import ObjectMissingError
from include.evaluation.curves import histogram, reliability, sweep
from include.evaluation.figure_intervals import figure_intervals
from include.evaluation.importance import permutation_importance
from include.evaluation.shap_summary import contributions
from include.features.input_names import Described, described
from include.pipelines import Pipeline
from include.registry.follow.verify import TrustedKeys, verify_manifest
from include.run.champion import pin_champion
from include.run.rows import Rows
from include.run.run_context import RunContext

REPORT_FIGURES = "portrait.json"
_CONFIDENCE = 0.95


def draw(
    run: RunContext, chosen: Mapping[str, Any], estimator: Any, test: Rows, seed: int
) -> dict[str, Any]:
    """Return intervals, curves and what moves the model; they are kept under the run.

    Parameters
    ----------
    night : Night
    chosen : mapping
        ``threshold`` and ``fpr_budget``.
    estimator : SigmoidCalibratedClassifier
        The chosen one, fitted.
    test : Rows
    seed : int

    Returns
    -------
    dict
        ``intervals``, ``curves``, ``importance`` and ``contributions``, as `Evidence` takes them.
    """
    y, probability = test.y, np.asarray(estimator.predict_proba(test.X)[:, 1], np.float64)
    names = column_names(run.pipeline)
    drawn = {
        "intervals": figure_intervals(
            y,
            probability,
            test.groups,
            threshold=chosen["threshold"],
            fpr_budget=chosen["fpr_budget"],
            confidence=_CONFIDENCE,
            seed=seed,
        ),
        "curves": {
            "sweep": sweep(y, probability),
            "reliability": reliability(y, probability),
            "histogram": histogram(y, probability),
        },
        "importance": names
        and permutation_importance(
            lambda X: estimator.predict_proba(X)[:, 1], test.X, y, names.groups, seed=seed
        ),
        "contributions": names and _contributions(estimator, test, names, seed),
    }
    run.write_json(REPORT_FIGURES, drawn)
    return drawn


def column_names(pipeline: Pipeline) -> Described | None:
    """Return what the columns that a pipeline's models are shown are called."""
    if pipeline.features is not None:
        return described(pipeline.features.name)
    names = [field.name for field in pipeline.inputs]
    return Described({name: [column] for column, name in enumerate(names)}, names)


def describe_champion(run: RunContext, trusted_keys: TrustedKeys) -> dict[str, Any] | None:
    """Return what a report says of the version this run is compared with; None if there is none."""
    pinned = pin_champion(run, trusted_keys)
    if pinned["serial"] == 0:
        return None
    pointer = Pointer(**pinned)
    key = keys.version_file(pointer.pipeline, pointer.version, keys.MANIFEST)
    manifest = verify_manifest(run.store.get(key), pointer)
    return {
        "version": manifest.version,
        "family": manifest.model["family"],
        "threshold": manifest.threshold,
        "rows": manifest.snapshot.get("rows"),
        "digest": manifest.snapshot.get("digest"),
    }


def seconds(run: RunContext, families: list[str]) -> dict[str, Any]:
    """Return how long each family's search took, where that is known."""
    found = {}
    for family in families:
        try:
            found[family] = run.read_json(f"candidates/{family}.seconds.json")
        except ObjectMissingError:
            continue
    return found


def _contributions(
    estimator: Any, test: Rows, names: Described, seed: int
) -> dict[str, Any] | None:
    """Return what moves the model; one that is given fewer columns is given the first ones."""
    steps: Steps = estimator.estimator_.estimator
    n_given = np.shape(steps[:-1].transform(test.X[:1]))[1]
    if n_given > len(names.given):
        return None
    return contributions(steps, test.X, names.given[:n_given], seed=seed)

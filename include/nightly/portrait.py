"""What a version's report shows besides its figures, drawn from the test rows of a night."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline as Steps

from include.contract import keys
from include.contract.approval import Pointer
from include.errors import ObjectMissingError
from include.evaluation.contributions import contributions
from include.evaluation.curves import histogram, reliability, sweep
from include.evaluation.figure_intervals import figure_intervals
from include.evaluation.importance import permutation_importance
from include.features.described import Described, described
from include.nightly.champion import pin_champion
from include.nightly.night import Night
from include.nightly.rows import Rows
from include.pipelines import Pipeline
from include.registry.follow.believe import Trust, believe_manifest

PORTRAIT = "portrait.json"
_CONFIDENCE = 0.95


def draw(
    night: Night, chosen: Mapping[str, Any], estimator: Any, test: Rows, seed: int
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
    names = column_names(night.pipeline)
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
    night.write_json(PORTRAIT, drawn)
    return drawn


def column_names(pipeline: Pipeline) -> Described | None:
    """Return what the columns that a pipeline's models are shown are called."""
    if pipeline.features is not None:
        return described(pipeline.features.name)
    names = [field.name for field in pipeline.inputs]
    return Described({name: [column] for column, name in enumerate(names)}, names)


def champion_in_words(night: Night, trust: Trust) -> dict[str, Any] | None:
    """Return what a report says of the version this run is compared with; None if there is none."""
    pinned = pin_champion(night, trust)
    if pinned["serial"] == 0:
        return None
    pointer = Pointer(**pinned)
    key = keys.version_file(pointer.pipeline, pointer.version, keys.MANIFEST)
    manifest = believe_manifest(night.store.get(key), pointer)
    return {
        "version": manifest.version,
        "family": manifest.model["family"],
        "threshold": manifest.threshold,
        "rows": manifest.snapshot.get("rows"),
        "digest": manifest.snapshot.get("digest"),
    }


def seconds(night: Night, families: list[str]) -> dict[str, Any]:
    """Return how long each family's search took, where that is known."""
    found = {}
    for family in families:
        try:
            found[family] = night.read_json(f"candidates/{family}.seconds.json")
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

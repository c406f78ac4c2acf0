"""What a version's report shows besides its metrics, computed on the test rows of a run."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline as Steps

from include.contract import keys
from include.contract.run_documents import ChosenModel, ReportFigures
from include.contract.verdicts import REVIEW_BUDGET
from include.errors import ManifestSchemaError
from include.evaluation.curves import histogram, reliability, sweep
from include.evaluation.figure_intervals import figure_intervals
from include.evaluation.importance import permutation_importance
from include.evaluation.shap_summary import contributions
from include.features.input_names import Described, described
from include.pipelines import Pipeline
from include.registry.follow.verify import TrustedKeys, verify_manifest
from include.run.champion import pinned_pointer
from include.run.rows import Rows
from include.run.run_context import RunContext

_CONFIDENCE = 0.95


def compute(
    run: RunContext, chosen: ChosenModel, estimator: Any, test: Rows, seed: int
) -> ReportFigures:
    """Return intervals, curves and the importance of inputs; they are kept under the run.

    Parameters
    ----------
    run : RunContext
    chosen : ChosenModel
    estimator : SigmoidCalibratedClassifier
        The chosen one, fitted.
    test : Rows
    seed : int
    """
    y, probability = test.y, np.asarray(estimator.predict_proba(test.X)[:, 1], np.float64)
    names = column_names(run.pipeline)
    figures = ReportFigures(
        intervals=figure_intervals(
            y,
            probability,
            test.groups,
            thresholds=chosen.thresholds,
            fpr_budget=REVIEW_BUDGET,
            confidence=_CONFIDENCE,
            seed=seed,
        ),
        curves={
            "sweep": sweep(y, probability),
            "reliability": reliability(y, probability),
            "histogram": histogram(y, probability),
        },
        importance=permutation_importance(
            lambda X: estimator.predict_proba(X)[:, 1], test.X, y, names.groups, seed=seed
        )
        if names
        else None,
        contributions=_contributions(estimator, test, names, seed) if names else None,
    )
    run.write(figures)
    return figures


def column_names(pipeline: Pipeline) -> Described | None:
    """Return the names of the columns that a pipeline's models take."""
    if pipeline.features is not None:
        return described(pipeline.features.name)
    names = [field.name for field in pipeline.inputs]
    return Described({name: [column] for column, name in enumerate(names)}, names)


def describe_champion(run: RunContext, trusted_keys: TrustedKeys) -> dict[str, Any] | None:
    """Return what a report shows of the version the run is compared with; None without one."""
    pointer = pinned_pointer(run, trusted_keys)
    if pointer is None:
        return None
    key = keys.version_file(pointer.pipeline, pointer.version, keys.MANIFEST)
    try:
        manifest = verify_manifest(run.store.get(key), pointer)
    except ManifestSchemaError:
        return None  # as in the comparison: another release made it
    return {
        "version": manifest.version,
        "family": manifest.model["family"],
        "thresholds": manifest.thresholds,
        "rows": manifest.snapshot.get("rows"),
        "digest": manifest.snapshot.get("digest"),
    }


def _contributions(
    estimator: Any, test: Rows, names: Described, seed: int
) -> dict[str, Any] | None:
    """Return SHAP contributions; a model of fewer columns takes the first ones."""
    steps: Steps = estimator.estimator_.estimator
    n_given = np.shape(steps[:-1].transform(test.X[:1]))[1]
    if n_given > len(names.given):
        return None
    return contributions(steps, test.X, names.given[:n_given], seed=seed)

"""The figures that the gate rules take, computed on the test rows of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.run_documents import SnapshotSummary
from include.contract.verdicts import REVIEW_BUDGET, Thresholds
from include.evaluation.comparison import compare_with_champion
from include.evaluation.intervals import rate_interval
from include.evaluation.metrics import evaluate
from include.evaluation.probes import Judge, edit_figures, known_page_figures
from include.evaluation.simple_baselines import simpler_figures
from include.evaluation.slices import SliceResult, slice_figures
from include.features.packed_rows import by_block
from include.run.champion import Champion
from include.run.rows import Rows, read_reference
from include.run.run_context import RunContext, TrainingOptions

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tested:
    """The chosen model on the test rows.

    Attributes
    ----------
    run : RunContext
    order : TrainingOptions
    test : Rows
    probability : ndarray of shape (n_rows,)
        P(phishing).
    thresholds : Thresholds
        Of the version.
    """

    run: RunContext
    order: TrainingOptions
    test: Rows
    probability: Scores
    thresholds: Thresholds

    @property
    def flagged(self) -> npt.NDArray[np.bool_]:
        """Which rows the model calls phishing."""
        return self.probability >= self.thresholds.block

    @property
    def certainty(self) -> dict[str, Any]:
        """Confidence of a statistical rule, and the seed of its resamples."""
        return {"confidence": self.run.pipeline.policy.confidence, "seed": self.order.seed}


def beside_champion(
    tested: Tested, champion: Champion | None, labels: Mapping[str, npt.NDArray[np.object_]]
) -> dict[str, Any]:
    """Return false positives, slices and figures, each beside the champion's on the same rows.

    Parameters
    ----------
    tested : Tested
    champion : Champion or None
    labels : mapping of str to ndarray of shape (n_rows,)
        The name of each row's part.
    """
    test, flagged, legitimate = tested.test, tested.flagged, tested.test.y == 0
    theirs = theirs_flagged = None
    if champion is not None:
        theirs = by_block(champion.model.score, test.items).astype(np.float64)
        theirs_flagged = theirs >= champion.manifest.thresholds.block
    evaluated = SliceResult(
        y=test.y,
        likely=tested.probability >= 0.5,
        flagged=flagged,
        reviewed=tested.probability >= tested.thresholds.review,
        groups=test.groups,
        champion_flagged=theirs_flagged,
    )
    min_rows = tested.run.pipeline.policy.min_slice_rows
    return {
        "fpr_interval": rate_interval(
            flagged[legitimate], test.groups[legitimate], **tested.certainty
        ),
        "review_fpr_interval": rate_interval(
            (tested.probability >= tested.thresholds.review)[legitimate],
            test.groups[legitimate],
            **tested.certainty,
        ),
        "slices": tuple(slice_figures(evaluated, labels, min_rows=min_rows, **tested.certainty)),
        **_compared(tested, champion, theirs),
    }


def _compared(tested: Tested, champion: Champion | None, theirs: Scores | None) -> dict[str, Any]:
    if champion is None or theirs is None:
        return {"champion": None, "champion_on_same_rows": None, "champion_serial": 0}
    y, groups = tested.test.y, tested.test.groups
    return {
        "champion": compare_with_champion(
            y, tested.probability, theirs, groups, fpr_budget=REVIEW_BUDGET, **tested.certainty
        ),
        "champion_on_same_rows": {
            "version": champion.pointer.version,
            **evaluate(y, theirs, champion.manifest.thresholds, REVIEW_BUDGET),
        },
        "champion_serial": champion.pointer.serial,
    }


def probed(tested: Tested, estimator: Any, champion: Champion | None) -> dict[str, Any]:
    """Return the verdicts on the pipeline's known pages, and on phishing as attackers edit it.

    Parameters
    ----------
    tested : Tested
    estimator : fitted estimator
        The chosen one.
    champion : Champion or None
    """
    pipeline, test = tested.run.pipeline, tested.test
    features, reference = pipeline.features, read_reference(tested.run)
    if features is None or reference is None:
        return {"known_pages": None, "edits": ()}
    model = Judge(
        lambda texts: estimator.predict_proba(features.columns_of(as_items(texts), reference))[
            :, 1
        ],
        tested.thresholds,
    )
    other = None
    if champion is not None:
        score = champion.model.score
        other = Judge(lambda texts: score(as_items(texts)), champion.manifest.thresholds)
    phishing = test.y == 1
    return {
        "known_pages": _known_pages(tested.run, model, other),
        "edits": tuple(
            edit_figures(
                test.items[phishing, 0].tolist(),
                test.groups[phishing],
                pipeline.edits,
                model,
                other,
                **tested.certainty,
            )
        ),
    }


def _known_pages(run: RunContext, model: Judge, other: Judge | None) -> dict[str, Any] | None:
    pages = run.pipeline.known_pages
    if pages is None:
        return None
    simulated = run.read(SnapshotSummary).simulated_rows > 0
    return {**known_page_figures(pages(), model, other), "simulated": simulated}


def as_items(texts: Sequence[str]) -> npt.NDArray[np.object_]:
    """Return texts as the one column that a model of texts takes."""
    return np.array(texts, dtype=object)[:, np.newaxis]


def simpler(tested: Tested, family: str, simplest: Any) -> dict[str, Any]:
    """Return the figures of a constant, and of the simplest family unless it is the chosen one.

    Parameters
    ----------
    tested : Tested
    family : str
        The simplest one searched.
    simplest : fitted estimator or None
        None where it is the chosen one.
    """
    test = tested.test
    others = {"constant": np.full(len(test.y), float(test.y.mean()))}
    if simplest is not None:
        others[family] = simplest.predict_proba(test.X)[:, 1]
    return {
        name: simpler_figures(
            test.y,
            tested.probability,
            probability,
            test.groups,
            fpr_budget=REVIEW_BUDGET,
            **tested.certainty,
        )
        for name, probability in others.items()
    }

"""Temporal evaluation: a model trained on earlier months, evaluated on later ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.contract.verdicts import REVIEW_BUDGET
from include.evaluation.intervals import clopper_pearson
from include.evaluation.metrics import Figures, evaluate
from include.training.added import AddedRows, fitted_on
from include.training.bounded import ALL_ROWS, added_to, at_most
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import Family
from include.training.threshold import ChosenThresholds, choose_thresholds

N_MONTHS = 3
_CONFIDENCE = 0.95
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Dated:
    """All rows of a run with their ``first_seen`` times.

    Attributes
    ----------
    X : ndarray or PackedRows of shape (n_rows, n_columns), float32
    y : ndarray of shape (n_rows,), int8
        1 = phishing.
    groups : ndarray of shape (n_rows,)
        Group key, such as the registrable domain.
    sides : ndarray of shape (n_rows,), str
        ``"train"``, ``"calibration"`` or ``"test"``.
    times : ndarray of shape (n_rows,), datetime64
        NaT where unknown.
    """

    X: Any
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]
    sides: npt.NDArray[np.str_]
    times: npt.NDArray[np.datetime64]

    @property
    def months(self) -> npt.NDArray[np.datetime64]:
        """The month of each row."""
        return self.times.astype("datetime64[M]")


def later_months_figures(
    family: Family,
    params: Mapping[str, object],
    rows: Dated,
    *,
    fpr_budget: float,
    added: AddedRows | None = None,
    max_rows: int = ALL_ROWS,
) -> dict[str, Any] | None:
    """Return metrics on the last `N_MONTHS` months of a model trained on the months before.

    Model, calibration and thresholds are refitted on the earlier rows of their sides; the published
    model is trained on all months. Rows without a time count as early on the training and
    calibration sides and as late on the test side.

    Parameters
    ----------
    family : Family
        The chosen family.
    params : mapping of str to object
        Its chosen parameters.
    rows : Dated
    fpr_budget : float
        Of the verdict "Phishing".
    added : AddedRows, optional
        Fitted on where their groups have no late row.
    max_rows : int
        Fitted on so many rows at most.

    Returns
    -------
    dict or None
        ``since`` (first late month), ``budget`` and ``fpr_upper_bound`` (of the threshold that was
        set before it), ``all``, ``seen`` and ``unseen`` (figures of `evaluate`, by
        whether the row's group was trained on; None where a class is absent), ``months``; None
        when there are not twice as many months, or not both classes on every side.
    """
    since = _first_late_month(rows)
    if since is None:
        return None
    undated = np.isnat(rows.times)
    late = np.where(undated, rows.sides == "test", rows.months >= since)
    early, held_back = ~late & (rows.sides == "train"), ~late & (rows.sides == "calibration")
    if not all(_has_both(rows.y[mask]) for mask in (early, held_back, late)):
        return None
    X, y = rows.X, rows.y
    learned = np.flatnonzero(early)
    beside = added_to(added, max_rows / len(learned), seed=0)
    learned = learned[at_most(len(learned), max_rows, seed=0)]
    with threadpool_limits(limits=1):
        estimator = clone(family.estimator).set_params(**params)
        fitted = fit_distinct(
            estimator, *fitted_on(X[learned], y[learned], beside, rows.groups[late & ~undated])
        )
        model = calibrate(fitted, X[held_back], y[held_back])
    unseen_then = model.predict_proba(X[held_back])[:, 1]
    chosen = choose_thresholds(y[held_back], unseen_then, fpr_budget)
    probability = np.full(len(y), np.nan)
    probability[late] = model.predict_proba(X[late])[:, 1]
    trained_on = set(rows.groups[early].tolist())
    seen = np.array([group in trained_on for group in rows.groups.tolist()])
    return {
        "since": str(since),
        "budget": chosen.block.used_budget,
        "fpr_upper_bound": chosen.block.fpr_upper_bound,
        "all": _figures(rows, late, probability, chosen),
        "seen": _figures(rows, late & seen, probability, chosen),
        "unseen": _figures(rows, late & ~seen, probability, chosen),
        "months": _by_month(rows, late & ~undated, probability >= chosen.block.value),
    }


def _first_late_month(rows: Dated) -> np.datetime64 | None:
    months = np.unique(rows.months[~np.isnat(rows.times)])
    return months[-N_MONTHS] if len(months) >= 2 * N_MONTHS else None


def _has_both(y: npt.NDArray[np.int8]) -> bool:
    return len(np.unique(y)) == 2


def _figures(
    rows: Dated,
    mask: _Mask,
    probability: npt.NDArray[np.float64],
    chosen: ChosenThresholds,
) -> Figures | None:
    if not _has_both(rows.y[mask]):
        return None
    return evaluate(rows.y[mask], probability[mask], chosen.values, REVIEW_BUDGET)


def _by_month(rows: Dated, mask: _Mask, flagged: _Mask) -> list[dict[str, Any]]:
    """Return recall, with its interval, and false-positive rate of each month.

    None where a class is absent.
    """
    found = []
    for month in np.unique(rows.months[mask]):
        here = mask & (rows.months == month)
        phishing, legitimate = here & (rows.y == 1), here & (rows.y == 0)
        found.append(
            {
                "month": str(month),
                "n_phishing": int(phishing.sum()),
                "n_legitimate": int(legitimate.sum()),
                "recall": float(flagged[phishing].mean()) if phishing.any() else None,
                "recall_interval": clopper_pearson(
                    int(flagged[phishing].sum()), int(phishing.sum()), _CONFIDENCE
                ),
                "fpr": float(flagged[legitimate].mean()) if legitimate.any() else None,
            }
        )
    return found

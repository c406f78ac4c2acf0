"""Two versions on the same logged traffic: which verdicts would change, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import PHISHING, Thresholds
from include.evaluation.intervals import clopper_pearson

MAX_SHOWN = 50
"""How many disagreements are kept, those first in which the probabilities differ most."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Replayed:
    """Logged inputs, scored by both versions.

    Attributes
    ----------
    ids : sequence of str
        Of the predictions.
    shown : sequence of str
        What a person sees of each: a URL as it was kept, or nothing.
    ours, theirs : ndarray of shape (n_items,)
        P(phishing) by the challenger, and by the champion.
    our_thresholds, their_thresholds : Thresholds
    is_phishing : sequence of bool or None
        What feedback says of each; None where it says nothing.
    allowed : ndarray of bool
        Whether an entry of the allow list decides.
    """

    ids: Sequence[str]
    shown: Sequence[str]
    ours: Scores
    theirs: Scores
    our_thresholds: Thresholds
    their_thresholds: Thresholds
    is_phishing: Sequence[bool | None]
    allowed: npt.NDArray[np.bool_]


def replay_figures(replayed: Replayed, *, confidence: float) -> dict[str, Any]:
    """Return what changes between two versions, and the bounds that the gate takes.

    Alerts are what is called phishing. Of those that only one version raises, the share of the
    challenger is binomial (McNemar 1947); the ratio of alerts follows from its exact interval.

    Parameters
    ----------
    replayed : Replayed
    confidence : float
        Of the intervals, e.g. 0.95.

    Returns
    -------
    dict
        ``n``; ``verdicts`` of ``champion`` and ``challenger``; ``n_changed``, ``changed`` and
        ``changed_interval``; ``alerts`` (``both``, ``new``, ``gone``), ``alert_ratio`` and
        ``alert_ratio_interval``; ``reviewed`` and ``allowed`` (``n`` and how many of them each
        version calls phishing); ``disagreements``.
    """
    ours = np.array([replayed.our_thresholds.verdict(each) for each in replayed.ours])
    theirs = np.array([replayed.their_thresholds.verdict(each) for each in replayed.theirs])
    changed, new, old = ours != theirs, ours == PHISHING, theirs == PHISHING
    alerts = {
        "both": int(np.sum(new & old)),
        "new": int(np.sum(new & ~old)),
        "gone": int(np.sum(old & ~new)),
    }
    is_legitimate = np.array([label is False for label in replayed.is_phishing], dtype=np.bool_)
    low, high = clopper_pearson(alerts["new"], alerts["new"] + alerts["gone"], confidence)
    return {
        "n": len(ours),
        "verdicts": {
            "champion": replayed.their_thresholds.count(replayed.theirs),
            "challenger": replayed.our_thresholds.count(replayed.ours),
        },
        "n_changed": int(changed.sum()),
        "changed": float(changed.mean()) if len(changed) else 0.0,
        "changed_interval": clopper_pearson(int(changed.sum()), len(changed), confidence),
        "alerts": alerts,
        "alert_ratio": _ratio(alerts, alerts["new"]),
        "alert_ratio_interval": tuple(
            _ratio(alerts, bound * (alerts["new"] + alerts["gone"])) for bound in (low, high)
        ),
        "reviewed": _flagged(is_legitimate, new, old),
        "allowed": _flagged(replayed.allowed, new, old),
        "disagreements": _disagreements(replayed, ours, theirs),
    }


def _ratio(alerts: dict[str, int], n_new: float) -> float:
    """Return the challenger's alerts as a multiple of the champion's, of which there is one."""
    n_gone = alerts["new"] + alerts["gone"] - n_new
    return float((alerts["both"] + n_new) / max(alerts["both"] + n_gone, 1))


def _flagged(
    among: npt.NDArray[np.bool_], new: npt.NDArray[np.bool_], old: npt.NDArray[np.bool_]
) -> dict[str, int]:
    return {
        "n": int(among.sum()),
        "champion": int(np.sum(among & old)),
        "challenger": int(np.sum(among & new)),
        "only_challenger": int(np.sum(among & new & ~old)),
    }


def _disagreements(
    replayed: Replayed, ours: npt.NDArray[np.str_], theirs: npt.NDArray[np.str_]
) -> list[dict[str, Any]]:
    gaps = np.abs(replayed.ours - replayed.theirs)
    changed = np.flatnonzero(ours != theirs).tolist()
    changed.sort(key=lambda at: (-gaps[at], replayed.ids[at]))
    return [
        {
            "id": replayed.ids[at],
            "shown": replayed.shown[at],
            "champion": str(theirs[at]),
            "challenger": str(ours[at]),
            "champion_probability": float(replayed.theirs[at]),
            "challenger_probability": float(replayed.ours[at]),
            "is_phishing": replayed.is_phishing[at],
        }
        for at in changed[:MAX_SHOWN]
    ]

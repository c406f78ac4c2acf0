"""Two versions on the same logged traffic: which verdicts would change, and for whom."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.run_documents import Drawn
from include.contract.verdicts import PHISHING, Thresholds
from include.evaluation.intervals import clopper_pearson

MAX_SHOWN = 50
"""How many disagreements are kept, those first in which the probabilities differ most."""
MAX_DRAWN = 200
"""How many are drawn to be labelled: sites on which exactly one version raises an alert."""

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
    sites : sequence of str
        The group of each that is never on two sides of a split; a site is drawn once.
    can_be_labelled : ndarray of bool
        Whether the model decides, and the inputs are kept as they were sent.
    parts : mapping of str to ndarray of shape (n_items,)
        For each way to part the items the part of each; "" for none.
    """

    ids: Sequence[str]
    shown: Sequence[str]
    ours: Scores
    theirs: Scores
    our_thresholds: Thresholds
    their_thresholds: Thresholds
    is_phishing: Sequence[bool | None]
    allowed: npt.NDArray[np.bool_]
    sites: Sequence[str]
    can_be_labelled: npt.NDArray[np.bool_]
    parts: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)


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
        version calls phishing); ``disagreements``; ``drawn``: at most `MAX_DRAWN` of them to be
        labelled, of all alike; ``slices``: of each part ``name``, ``value``, ``n`` and ``alerts``.
    """
    ours = np.array([replayed.our_thresholds.verdict(each) for each in replayed.ours])
    theirs = np.array([replayed.their_thresholds.verdict(each) for each in replayed.theirs])
    changed, new, old = ours != theirs, ours == PHISHING, theirs == PHISHING
    alerts = _alerts(new, old)
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
        "drawn": [asdict(each) for each in _drawn(replayed, ours, theirs)],
        "slices": [
            {"name": name, "value": value, "n": int(part.sum()), "alerts": _alerts(new, old, part)}
            for name, values in replayed.parts.items()
            for value in sorted(set(values.tolist()) - {""})
            for part in [values == value]
        ],
    }


def _alerts(
    new: npt.NDArray[np.bool_], old: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_] | bool = True
) -> dict[str, int]:
    return {
        "both": int(np.sum(new & old & of)),
        "new": int(np.sum(new & ~old & of)),
        "gone": int(np.sum(old & ~new & of)),
    }


def _drawn(
    replayed: Replayed, ours: npt.NDArray[np.str_], theirs: npt.NDArray[np.str_]
) -> list[Drawn]:
    """Return disagreements in an order of chance, the same whenever one looks; each site once."""
    differ = ((ours == PHISHING) != (theirs == PHISHING)) & replayed.can_be_labelled
    places = np.flatnonzero(differ).tolist()
    places.sort(key=lambda at: hashlib.sha256(replayed.ids[at].encode()).digest())
    first: dict[str, int] = {}
    for at in places:
        first.setdefault(replayed.sites[at], at)
    return [
        Drawn(
            id=replayed.ids[at],
            shown=replayed.shown[at],
            new=str(ours[at]),
            old=str(theirs[at]),
            new_probability=float(replayed.ours[at]),
            old_probability=float(replayed.theirs[at]),
        )
        for at in list(first.values())[:MAX_DRAWN]
    ]


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

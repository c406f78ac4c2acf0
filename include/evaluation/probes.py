"""Verdicts on texts that are no rows: known legitimate pages, and phishing that was edited."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import Thresholds
from include.evaluation.intervals import mean_interval

MAX_EDITED = 600
"""Phishing rows that each edit is tried on."""

Scores = npt.NDArray[np.floating[Any]]


class Judge(NamedTuple):
    """A model by its verdicts.

    Attributes
    ----------
    score : callable
        Takes a list of texts, returns P(phishing) of each.
    thresholds : Thresholds
    """

    score: Callable[[Sequence[str]], Scores]
    thresholds: Thresholds


def known_page_figures(
    pages: Sequence[str], model: Judge, champion: Judge | None
) -> dict[str, Any]:
    """Return how many known legitimate pages are called phishing, or at least suspicious.

    Parameters
    ----------
    pages : sequence of str
    model : Judge
    champion : Judge or None

    Returns
    -------
    dict
        ``n``, ``fpr``, ``review_fpr``, ``champion_fpr`` (None without one), and ``flagged``: the
        pages that the model calls phishing.
    """
    probability, thresholds = model.score(pages), model.thresholds
    flagged = probability >= thresholds.block
    theirs = None if champion is None else champion.score(pages) >= champion.thresholds.block
    return {
        "n": len(pages),
        "fpr": float(flagged.mean()),
        "review_fpr": float((probability >= thresholds.review).mean()),
        "champion_fpr": None if theirs is None else float(theirs.mean()),
        "flagged": [page for page, is_flagged in zip(pages, flagged, strict=True) if is_flagged],
    }


def edit_figures(
    texts: Sequence[str],
    groups: npt.NDArray[Any],
    edits: Mapping[str, Callable[[str], str | None]],
    model: Judge,
    champion: Judge | None,
    *,
    confidence: float,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the recall of phishing after each edit, beside the recall before it.

    Parameters
    ----------
    texts : sequence of str
        Phishing test rows; of more than `MAX_EDITED` a random sample.
    groups : ndarray of shape (n_texts,)
    edits : mapping of str to callable
        By name; each returns the edited text, None where it does not apply.
    model : Judge
    champion : Judge or None
    confidence : float
        Simultaneous confidence of all intervals (Bonferroni).
    seed : int
        Of the sample and of the resamples.

    Returns
    -------
    list of dict
        ``name``, ``n`` rows that it applies to, ``recall`` and ``review_recall`` after it,
        ``before`` and ``review_before``; ``champion`` (its recall of what is at least suspicious)
        and ``change`` (the interval of the difference to that), None without a champion.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(texts))[:MAX_EDITED])
    each = 1 - (1 - confidence) / max(len(edits), 1)
    found = []
    for name, edit in edits.items():
        changed = {place: text for place in chosen if (text := edit(texts[place])) is not None}
        figures: dict[str, Any] = {
            "name": name,
            "n": len(changed),
            "champion": None,
            "change": None,
        }
        if changed:
            after, before = list(changed.values()), [texts[place] for place in changed]
            figures |= _recalls(model, before, "before", "review_before")
            figures |= _recalls(model, after, "recall", "review_recall")
            if champion is not None:
                caught = model.score(after) >= model.thresholds.review
                theirs = champion.score(after) >= champion.thresholds.review
                figures["champion"] = float(theirs.mean())
                figures["change"] = mean_interval(
                    caught.astype(np.int8) - theirs.astype(np.int8),
                    groups[list(changed)],
                    confidence=each,
                    seed=seed,
                )
        found.append(figures)
    return found


def _recalls(model: Judge, texts: Sequence[str], block: str, review: str) -> dict[str, float]:
    probability, thresholds = model.score(texts), model.thresholds
    return {
        block: float((probability >= thresholds.block).mean()),
        review: float((probability >= thresholds.review).mean()),
    }

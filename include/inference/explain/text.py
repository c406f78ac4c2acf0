"""What each part of a text adds to its score: exact Shapley values over the parts."""

from itertools import combinations
from math import factorial

import numpy as np

from include.features.feature_sets import FeatureSet
from include.inference.explain.contributions import Explanation, Score, log_odds


def explain_text(text: str, features: FeatureSet, score: Score) -> Explanation:
    """Return what each of a text's parts adds to the log-odds, left to right.

    The base is the log-odds of the text without any of its parts; each contribution is the mean
    change that the part makes, over all orders in which parts can be put in (Shapley 1953). With n
    parts the model scores 2 ** n texts in one batch; a URL has at most seven parts.

    Parameters
    ----------
    text : str
    features : FeatureSet
        Takes the text apart.
    score : callable
        Returns the probabilities of a matrix of texts of shape (n, 1).
    """
    parts = features.parts(text)
    n_parts = len(parts)
    kept = [frozenset(c) for size in range(n_parts + 1) for c in combinations(range(n_parts), size)]
    texts = [features.keep(parts, subset) for subset in kept[:-1]] + [text]
    odds = log_odds(score(np.array(texts, dtype=object).reshape(-1, 1)))
    odds_of = dict(zip(kept, odds.tolist(), strict=True))
    contributions = np.zeros(n_parts)
    for part in range(n_parts):
        for subset in kept:
            if part not in subset:
                weight = factorial(len(subset)) * factorial(n_parts - len(subset) - 1)
                contributions[part] += weight * (odds_of[subset | {part}] - odds_of[subset])
    return Explanation(
        base=odds_of[frozenset()],
        log_odds=odds_of[kept[-1]],
        contributions=contributions / factorial(n_parts),
        is_exact=True,
    )

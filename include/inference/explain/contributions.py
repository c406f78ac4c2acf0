"""How much each input moves a score away from that of a record without any value.

Shapley values of the log-odds against the record without any value: exact for one ensemble of
trees behind an imputer; for every other graph estimated by walks from nothing to the record, which
is exact where inputs do not interact, as in logistic regression. Either way they add up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from include.inference.explain.trees import Ensemble, Floats, read_ensemble
from include.inference.record_schema import Matrix

_N_WALKS = 8  # half of them are the other half backwards
_FLOOR = 1e-7
_LEAST_DIFFERENCE = 1e-9
Score = Callable[[Matrix], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Explanation:
    """Contributions to one score, in log-odds of phishing.

    Attributes
    ----------
    base : float
        Log-odds of a record without any value.
    log_odds : float
        Those of the record: `base` and all `contributions`.
    contributions : ndarray of shape (n_inputs,)
    is_exact : bool
        Whether they are computed, and not estimated.
    """

    base: float
    log_odds: float
    contributions: Floats
    is_exact: bool


class Explainer:
    """Explains the scores of one graph.

    Parameters
    ----------
    graph : onnx.GraphProto
    score : callable
        Returns the probabilities of a matrix of records.
    n_inputs : int
    """

    def __init__(self, graph: onnx.GraphProto, score: Score, n_inputs: int) -> None:
        self._score = score
        self._empty = np.full(n_inputs, np.nan, dtype=np.float32)
        self._trees = _Trees.of(graph)

    def explain(self, row: npt.NDArray[np.float32]) -> Explanation:
        """Return what moves the score of a row of shape (n_inputs,)."""
        base, scored = log_odds(self._score(np.stack([self._empty, row])))
        parts = self._trees.shapley(row) if self._trees else None
        if parts is not None and abs(parts.sum()) > _LEAST_DIFFERENCE:
            # The trees' sum becomes log-odds by one monotone curve: its chord scales the parts.
            return Explanation(base, scored, parts * (scored - base) / parts.sum(), True)
        if parts is not None and not parts.any():
            return Explanation(base, scored, parts, True)
        return Explanation(base, scored, self._walk(row), False)

    def _walk(self, row: npt.NDArray[np.float32]) -> Floats:
        """Return the mean change at each input's turn, over orders in which they are filled in."""
        present = np.flatnonzero(~np.isnan(row))
        total = np.zeros(len(row))
        if not len(present):
            return total
        rng = np.random.default_rng(0)
        halves = [rng.permutation(present) for _ in range(_N_WALKS // 2)]
        orders = [*halves, *(order[::-1] for order in halves)]
        steps = np.full((len(orders), len(present) + 1, len(row)), np.nan, dtype=np.float32)
        for number, order in enumerate(orders):
            for step, field in enumerate(order):
                steps[number, step + 1 :, field] = row[field]
        scores = self._score(steps.reshape(-1, len(row))).reshape(len(orders), -1)
        changes = np.diff(log_odds(scores), axis=1)
        for order, change in zip(orders, changes, strict=True):
            total[order] += change
        return total / len(orders)


@dataclass(frozen=True)
class _Trees:
    """One ensemble behind an imputer, whose fills are the record without any value."""

    ensemble: Ensemble
    fills: npt.NDArray[np.float32]
    by_fills: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, graph: onnx.GraphProto) -> "_Trees | None":
        """Return the ensemble of a graph that starts with an imputer and goes on with its trees."""
        kinds = [node.op_type for node in graph.node]
        if kinds[:2] != ["Imputer", "TreeEnsembleClassifier"] or kinds.count(kinds[1]) > 1:
            return None
        imputer, trees = graph.node[:2]
        if list(imputer.output) != list(trees.input):
            return None
        fills = [
            entry.floats for entry in imputer.attribute if entry.name == "imputed_value_floats"
        ]
        ensemble = read_ensemble(trees)
        if ensemble is None or not fills:
            return None
        reference = np.array(fills[0], dtype=np.float32)
        return cls(ensemble, reference, ensemble.meets(reference))

    def shapley(self, row: npt.NDArray[np.float32]) -> Floats:
        filled = np.where(np.isnan(row), self.fills, row)
        return self.ensemble.shapley(filled, self.by_fills)


def log_odds(probability: npt.NDArray[np.float32]) -> Floats:
    """Return the log-odds of probabilities, bounded where they are nearly 0 or 1."""
    clipped = np.clip(probability.astype(np.float64), _FLOOR, 1 - _FLOOR)
    odds: Floats = np.log(clipped / (1 - clipped))
    return odds

"""Exact Shapley values of a tree ensemble against one reference row.

A leaf is reached by a mixture of the record (inputs in S) and the reference (the others) when S
holds every input whose conditions only the record meets (A), and none of those that only the
reference meets (B). Its Shapley values therefore depend on the sizes of A and B alone: this is
interventional TreeSHAP with one background row (Lundberg et al. 2020,
https://doi.org/10.1038/s42256-019-0138-9).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

Floats = npt.NDArray[np.float64]
_MAX_CONDITIONS = 4_000_000
_MOST_INPUTS = 128  # that the path to a leaf may test
_MODES = {b"BRANCH_LEQ", b"LEAF"}


@dataclass(frozen=True)
class Ensemble:
    """The leaves of all trees, each with an interval for every input its path tests.

    Attributes
    ----------
    leaf_values : ndarray of shape (n_leaves,)
        What a leaf adds to the score.
    starts : ndarray of shape (n_leaves,)
        First condition of each leaf.
    leaves, inputs : ndarray of shape (n_conditions,)
        Which leaf, and which input.
    low, high : ndarray of shape (n_conditions,), float32
        The condition: ``low < x <= high``.
    """

    leaf_values: Floats
    starts: npt.NDArray[np.intp]
    leaves: npt.NDArray[np.intp]
    inputs: npt.NDArray[np.intp]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    def meets(self, row: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Return which conditions a row of shape (n_inputs,) meets."""
        values = row[self.inputs]
        met: npt.NDArray[np.bool_] = (values > self.low) & (values <= self.high)
        return met

    def shapley(self, row: npt.NDArray[np.float32], by_reference: npt.NDArray[np.bool_]) -> Floats:
        """Return each input's contribution; they add up to score(row) - score(reference).

        Parameters
        ----------
        row : ndarray of shape (n_inputs,), float32
            Without missing values.
        by_reference : ndarray of shape (n_conditions,)
            What `meets` returned of the reference.
        """
        by_row = self.meets(row)
        only_row, only_reference = by_row & ~by_reference, by_reference & ~by_row
        n_row = np.add.reduceat(only_row, self.starts, dtype=np.intp)
        n_reference = np.add.reduceat(only_reference, self.starts, dtype=np.intp)
        reached = np.logical_and.reduceat(by_row | by_reference, self.starts)
        values = np.where(reached, self.leaf_values, 0.0)
        weights = _weights()
        gains = values * weights[n_row, n_reference]
        losses = values * weights[n_reference, n_row]
        n_inputs = len(row)
        up = np.flatnonzero(only_row)
        down = np.flatnonzero(only_reference)
        gained = np.bincount(self.inputs[up], gains[self.leaves[up]], n_inputs)
        lost = np.bincount(self.inputs[down], losses[self.leaves[down]], n_inputs)
        moved: Floats = np.subtract(gained, lost, dtype=np.float64)
        return moved


@cache
def _weights(size: int = _MOST_INPUTS) -> Floats:
    """Return (a - 1)! b! / (a + b)! for a, b < size; 0 where a is 0."""
    table = [
        [factorial(a - 1) * factorial(b) / factorial(a + b) if a else 0.0 for b in range(size)]
        for a in range(size)
    ]
    return np.array(table)


def read_ensemble(node: onnx.NodeProto) -> Ensemble | None:
    """Return the trees of a binary ``TreeEnsembleClassifier``; None if they are of another kind."""
    read: dict[str, Any] = {
        entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute
    }
    if not set(read["nodes_modes"]) <= _MODES or len(set(read["class_ids"])) != 1:
        return None
    leaf_values: dict[tuple[int, int], float] = {}
    for tree, leaf, weight in zip(
        read["class_treeids"], read["class_nodeids"], read["class_weights"], strict=True
    ):
        leaf_values[tree, leaf] = leaf_values.get((tree, leaf), 0.0) + weight
    values: list[float] = []
    conditions: list[tuple[int, int, float, float]] = []
    for key, path in _paths(read):
        entries = path or {0: (-np.inf, np.inf)}
        conditions += [(len(values), field, *ends) for field, ends in entries.items()]
        values.append(leaf_values.get(key, 0.0))
        if len(conditions) > _MAX_CONDITIONS or len(entries) >= _MOST_INPUTS:
            return None
    leaves, inputs, low, high = (np.array(column) for column in zip(*conditions, strict=True))
    starts = np.flatnonzero(np.diff(leaves, prepend=-1))
    return Ensemble(
        np.array(values), starts, leaves, inputs, low.astype(np.float32), high.astype(np.float32)
    )


def _paths(
    read: dict[str, Any],
) -> Iterator[tuple[tuple[int, int], dict[int, tuple[float, float]]]]:
    """Yield each leaf and, by input, the interval that leads to it."""
    trees, nodes = read["nodes_treeids"], read["nodes_nodeids"]
    position = {key: place for place, key in enumerate(zip(trees, nodes, strict=True))}
    roots = [place for place, tree in enumerate(trees) if place == 0 or trees[place - 1] != tree]
    for root in roots:
        waiting: list[tuple[int, dict[int, tuple[float, float]]]] = [(root, {})]
        while waiting:
            place, path = waiting.pop()
            tree = trees[place]
            if read["nodes_modes"][place] == b"LEAF":
                yield (tree, nodes[place]), path
                continue
            field, split = read["nodes_featureids"][place], read["nodes_values"][place]
            low, high = path.get(field, (-np.inf, np.inf))
            below, above = read["nodes_truenodeids"][place], read["nodes_falsenodeids"][place]
            waiting.append((position[tree, below], {**path, field: (low, min(high, split))}))
            waiting.append((position[tree, above], {**path, field: (max(low, split), high)}))

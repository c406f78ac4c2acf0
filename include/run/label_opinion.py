"""What the production version thinks of labels: of those about to be loaded, and of one record."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from include.errors import NightCatchError
from include.inference.explain.rows import explain_rows
from include.inference.verdict import verdict
from include.ingest.labels.polarity import ModelOpinion
from include.pipelines import Pipeline
from include.registry.approve import production_pointer
from include.registry.follow import ProductionModel
from include.registry.follow.verify import TrustedKeys
from include.run.champion import Champion, load_version
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)
_MIN_OF_CLASS, _MAX_OF_CLASS = 20, 500
_Z_95 = 1.96


@dataclass(frozen=True)
class ProductionOpinion:
    """Scores a sample of records by the version in production; without one it has no result.

    Attributes
    ----------
    open_store : callable
        Opens the bucket, when there is something to score.
    pipeline : Pipeline
    trusted_keys : callable
        Returns the keys that versions are verified with.
    """

    open_store: Callable[[], ObjectStore]
    pipeline: Pipeline
    trusted_keys: Callable[[], TrustedKeys]

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> ModelOpinion | None:
        """Return how the version ranks the records; None of fewer than 20 of a class.

        Parameters
        ----------
        records : sequence of mapping
            With the stored label.
        """
        target = self.pipeline.target
        stored = np.array([record.get(target.source) for record in records], dtype=object)
        y = stored == target.positive
        sample = _sample(y, stored == target.negative)
        if sample is None:
            return None
        try:
            version = self._production()
        except NightCatchError as err:
            # The load itself needs neither bucket nor keys.
            _log.warning("labels are not compared with the version in production: %s", err)
            return None
        if version is None:
            return None
        rows = [
            [records[row].get(each.name, np.nan) for each in self.pipeline.inputs] for row in sample
        ]
        scores = version.model.score(version.model.schema.matrix(rows))
        return ModelOpinion(version.pointer.version, len(rows), *auc_interval(y[sample], scores))

    def _production(self) -> Champion | None:
        store, trusted_keys = self.open_store(), self.trusted_keys()
        pointer = production_pointer(store, self.pipeline.name, trusted_keys.approvers)
        return None if pointer is None else load_version(store, pointer, trusted_keys)


@dataclass
class RecordOpinion:
    """Scores and explains single records; the version is read once, and again when another is.

    Attributes
    ----------
    open_store, trusted_keys : callable
        As of `ProductionOpinion`.
    """

    open_store: Callable[[], ObjectStore]
    trusted_keys: Callable[[], TrustedKeys]
    _kept: dict[str, Champion] = field(default_factory=dict)

    def __call__(self, pipeline: Pipeline, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return verdict, probability, version and explanation; None without a version.

        Parameters
        ----------
        pipeline : Pipeline
        record : mapping
            Its inputs.

        Raises
        ------
        NightCatchError
            If there is a version that cannot be read or verified, or scores no such record.
        """
        trusted_keys, store = self.trusted_keys(), self.open_store()
        pointer = production_pointer(store, pipeline.name, trusted_keys.approvers)
        if pointer is None:
            return None
        known = self._kept.get(pipeline.name)
        if known is None or known.pointer.version != pointer.version:
            known = self._kept[pipeline.name] = load_version(store, pointer, trusted_keys)
        row = [record.get(each.name, np.nan) for each in pipeline.inputs]
        matrix = known.model.schema.matrix([row])
        in_production = ProductionModel(pointer, known.manifest, known.model, datetime.now(UTC))
        (explained,) = explain_rows(matrix, in_production)
        probability = float(known.model.score(matrix)[0])
        return verdict(probability, known.manifest) | {"version": pointer.version, **explained}


def auc_interval(
    y: npt.NDArray[np.bool_], scores: npt.NDArray[np.float32]
) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its 95 % interval (Hanley & McNeil 1982).

    Parameters
    ----------
    y : ndarray of shape (n_records,)
        Both classes.
    scores : ndarray of shape (n_records,)

    Returns
    -------
    auc, low, high : float
    """
    from sklearn.metrics import roc_auc_score

    auc = float(roc_auc_score(y, scores))
    n_ones, n_zeros = int(y.sum()), int((~y).sum())
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_ones - 1) * (one - auc**2) + (n_zeros - 1) * (two - auc**2)
    margin = _Z_95 * float(np.sqrt(max(spread, 0.0) / (n_ones * n_zeros)))
    return auc, max(0.0, auc - margin), min(1.0, auc + margin)


def _sample(
    ones: npt.NDArray[np.bool_], zeros: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64] | None:
    """Return rows of both classes, as many of each as there may be; None where too few are."""
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(ones), np.flatnonzero(zeros)]
    if min(map(len, rows)) < _MIN_OF_CLASS:
        return None
    return np.concatenate([rng.permutation(each)[:_MAX_OF_CLASS] for each in rows])

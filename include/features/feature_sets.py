"""The feature sets by name: a manifest names the one its model was trained on."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.errors import ManifestError
from include.features import packed_rows, urls
from include.features.parts import Part, keep, parts_of
from include.urls.reference.facts import Reference

_BATCH_TEXTS = 1000


@dataclass(frozen=True)
class FeatureSet:
    """How texts become the inputs of a model.

    Attributes
    ----------
    name : str
        Named in manifests; a changed column needs another name.
    n_columns : int
    featurise : callable
        Takes a sequence of n texts and reference data, returns float32 of shape (n, n_columns),
        row by row.
    parts : callable
        Takes a text, returns the parts of which an explanation speaks.
    keep : callable
        Takes the parts and the indices of some, returns the text of those alone.
    """

    name: str
    n_columns: int
    featurise: Callable[[Sequence[str], Reference], npt.NDArray[np.float32]]
    parts: Callable[[str], tuple[Part, ...]]
    keep: Callable[[tuple[Part, ...], Collection[int]], str]

    def columns_of(
        self, texts: npt.NDArray[np.object_], reference: Reference
    ) -> npt.NDArray[np.float32]:
        """Return the columns of many texts, made in batches so that little else is in memory.

        Parameters
        ----------
        texts : ndarray of shape (n, 1), object
        reference : Reference
            Of the version that is trained or that scores.

        Returns
        -------
        ndarray of shape (n, n_columns), float32
        """
        flat = texts[:, 0].tolist()
        columns = np.empty((len(flat), self.n_columns), np.float32)
        for start in range(0, len(flat), _BATCH_TEXTS):
            batch = flat[start : start + _BATCH_TEXTS]
            columns[start : start + len(batch)] = self.featurise(batch, reference)
        return columns

    def packed(self, texts: Sequence[str], reference: Reference) -> packed_rows.Part:
        """Return the columns of many texts packed, made in batches as by `columns_of`."""
        batches = (texts[at : at + _BATCH_TEXTS] for at in range(0, len(texts), _BATCH_TEXTS))
        made = [packed_rows.Part.of(self.featurise(batch, reference)) for batch in batches]
        return packed_rows.Part.joined(made)


URLS = FeatureSet(urls.URL_FEATURES, urls.N_COLUMNS, urls.featurise, parts_of, keep)
_KNOWN = {URLS.name: URLS}


def is_known(name: str) -> bool:
    """Return whether this release has a feature set of that name."""
    return name in _KNOWN


def feature_set(name: str) -> FeatureSet:
    """Return the feature set of that name.

    Raises
    ------
    ManifestError
        If this release has no such set: a model must never be shown other columns than its own.
    """
    if name not in _KNOWN:
        known = ", ".join(_KNOWN)
        raise ManifestError(
            f"this release has no feature set {name!r}, only {known}: train the pipeline again"
        )
    return _KNOWN[name]

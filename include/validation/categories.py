"""Columns of any kind as a few named categories, so that two frames can be compared by shares."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.validation.findings import plain

MISSING = "missing"
OTHER = "other"
MAX_CATEGORIES = 20
N_BINS = 10
PSEUDO_COUNT = 0.5
# Data Docs puts names into HTML as they are, and into scripts.
_HARMLESS = str.maketrans("<>&\"'\\", "\u2039\u203a+\u201d\u2019/")


@dataclass(frozen=True)
class Shares:
    """Shares of each category in two frames.

    Attributes
    ----------
    names : tuple of str
        Of every category that occurs in either; "missing" is one.
    current, reference : ndarray of shape (n_categories,), float64
        Shares above 0 that sum to 1: half a count is added to each category (Jeffreys' prior), so
        that one that is new or gone has a finite weight.
    """

    names: tuple[str, ...]
    current: npt.NDArray[np.float64]
    reference: npt.NDArray[np.float64]

    @property
    def kl(self) -> float:
        """The Kullback-Leibler divergence of the current from the reference shares, in nats."""
        return float(np.sum(self.current * np.log(self.current / self.reference)))

    @property
    def psi(self) -> float:
        """The population stability index: the Kullback-Leibler divergences of both directions."""
        return float(
            np.sum((self.current - self.reference) * np.log(self.current / self.reference))
        )


@dataclass(frozen=True)
class Categories:
    """Categories of a column that stay the same from day to day.

    Attributes
    ----------
    names : tuple of str
        The last two are "other" and "missing".
    edges : tuple of float
        Between bins, which the first names are; empty where each name is a value.
    """

    names: tuple[str, ...]
    edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, reference: pd.Series) -> "Categories":
        """Return the most frequent values, or ten bins of equal counts of more numbers."""
        is_binned = reference.nunique() > MAX_CATEGORIES and pd.api.types.is_numeric_dtype(
            reference.dtype
        )
        if not is_binned:
            common = _named(reference.dropna()).value_counts().index[:MAX_CATEGORIES]
            values = sorted(set(common) - {OTHER, MISSING})
            return cls((*values, OTHER, MISSING))
        edges = np.unique(reference.quantile(np.linspace(0, 1, N_BINS + 1)[1:-1]))
        finite = tuple(float(edge) for edge in edges if np.isfinite(edge))
        ends = [f"{edge:g}" for edge in finite]
        bins = zip(["", *ends], [*ends, ""], strict=True)
        named = [f"{low} to {high}" if low and high else low or high for low, high in bins]
        named[0], named[-1] = f"up to {named[0]}", f"over {named[-1]}"
        return cls((*named, OTHER, MISSING), finite)

    def count(self, column: pd.Series) -> npt.NDArray[np.int64]:
        """Return how often each category occurs.

        Returns
        -------
        ndarray of shape (n_names,), int64
        """
        n = len(self.names)
        if self.edges:
            values = column.to_numpy(dtype=float, na_value=np.nan)
            places = np.searchsorted(self.edges, values, side="left")
            places = np.where(np.isnan(values), n - 1, places)
        else:
            place = {name: at for at, name in enumerate(self.names)}
            places = _named(column).map(place).fillna(n - 2).to_numpy(dtype=int)
        return np.bincount(places.astype(int), minlength=n).astype(np.int64)


def categorise(current: pd.Series, reference: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return both columns as categories defined by the reference.

    Parameters
    ----------
    current, reference : Series of shape (n_rows,)
        Numbers with more than `MAX_CATEGORIES` values in the reference become ten bins of equal
        counts there; of texts, all but the most frequent become "other".

    Returns
    -------
    tuple of two Series of str
    """
    common = reference.value_counts().index[:MAX_CATEGORIES]
    if reference.nunique() <= MAX_CATEGORIES and current.nunique() <= MAX_CATEGORIES:
        return _named(current), _named(reference)
    if not pd.api.types.is_numeric_dtype(reference.dtype):
        return (
            _named(current.where(current.isin(common) | current.isna(), OTHER)),
            _named(reference.where(reference.isin(common) | reference.isna(), OTHER)),
        )
    edges = np.unique(reference.quantile(np.linspace(0, 1, N_BINS + 1)[1:-1]))
    bins = [-np.inf, *edges[np.isfinite(edges)], np.inf]
    return _named(pd.cut(current, bins)), _named(pd.cut(reference, bins))


def shares(current: pd.Series, reference: pd.Series) -> Shares:
    """Return the shares of the categories in two columns that `categorise` returned."""
    counts = pd.DataFrame(
        {"current": current.value_counts(), "reference": reference.value_counts()}
    )
    return shares_of_counts(counts.fillna(0).sort_index())


def shares_of_counts(counts: pd.DataFrame) -> Shares:
    """Return the shares of counted categories.

    Parameters
    ----------
    counts : DataFrame of shape (n_categories, 2)
        `current` and `reference`; the index holds the names.
    """
    smooth = counts + PSEUDO_COUNT
    weights = smooth / smooth.sum()
    return Shares(
        tuple(weights.index), weights["current"].to_numpy(), weights["reference"].to_numpy()
    )


def _named(column: pd.Series) -> pd.Series:
    named = column.astype(object).map(lambda value: plain(value).translate(_HARMLESS))
    return named.astype("str")

"""Documents of the steps that read and prepare records: pin, snapshot, validation, split, drift."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

Figures = Mapping[str, Any]
"""Figures by name; what is measured differs between pipelines and grows with releases."""


@dataclass(frozen=True)
class ChampionPin:
    """The version in production when the run began.

    Attributes
    ----------
    serial : int
        0 when nothing had been approved.
    pointer : str
        The signed content of ``approved.json`` at that time; empty for serial 0.
    """

    NAME: ClassVar[str] = "champion.json"
    serial: int
    pointer: str = ""


@dataclass(frozen=True)
class SnapshotSummary:
    """The snapshot that the run was made from.

    Attributes
    ----------
    digest : str
    rows, simulated_rows : int
        Both counted in the snapshot itself.
    read_at : str
        ISO 8601 in UTC.
    reference : str
        Digest of the reference data that were current then; empty where features need none.
    known_on : str
        ISO 8601: only records that were known then; empty for all.
    """

    NAME: ClassVar[str] = "snapshot.json"
    digest: str
    rows: int
    simulated_rows: int
    read_at: str
    reference: str = ""
    known_on: str = ""


@dataclass(frozen=True)
class ValidationSummary:
    """How the records were validated.

    Attributes
    ----------
    accepted, quarantined : int
    warnings, failures : tuple of str
        A sentence for each rule of the whole data set that was broken.
    docs, quarantine : str
        Keys of the Data Docs and of the quarantined rows.
    statistics : mapping
        As Great Expectations reports them.
    """

    NAME: ClassVar[str] = "validation.json"
    accepted: int
    quarantined: int
    warnings: tuple[str, ...]
    failures: tuple[str, ...]
    docs: str
    quarantine: str
    statistics: Figures


@dataclass(frozen=True)
class SplitSummary:
    """The accepted rows by side of the split, their features computed.

    Attributes
    ----------
    rows : mapping of str to int
        Side -> number of rows.
    salt : str
    features : str
        Name of the feature set; empty where the model takes the inputs themselves.
    added : mapping of str to int
        Made rows that only train, by kind.
    origins : tuple of mapping
        Of each source of labels ``source``, ``phishing``, ``legitimate``, and, where records have
        dates, ``oldest``, ``newest`` (ISO 8601) and ``median_age_days``.
    """

    NAME: ClassVar[str] = "split.json"
    rows: Mapping[str, int]
    salt: str
    features: str
    added: Mapping[str, int] = field(default_factory=dict)
    origins: tuple[Figures, ...] = ()


@dataclass(frozen=True)
class DriftSummary:
    """Drift of the accepted rows against the snapshot of the version in production.

    Attributes
    ----------
    reference : str or None
        Version compared with; None without one.
    columns : tuple of mapping
        ``column``, ``kl``, ``psi`` of each watched column.
    limits : mapping
    max_kl, max_psi : float
    warned, blocked : tuple of str
        Columns beyond the limits.
    sentences : tuple of str
    """

    NAME: ClassVar[str] = "drift.json"
    reference: str | None
    columns: tuple[Figures, ...]
    limits: Figures
    max_kl: float
    max_psi: float
    warned: tuple[str, ...]
    blocked: tuple[str, ...]
    sentences: tuple[str, ...]

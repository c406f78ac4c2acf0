"""Documents of the steps that make a model: search, choice, evaluation, report figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from include.contract.verdicts import Budgets, Thresholds

Figures = Mapping[str, Any]
"""Figures by name; what is measured differs between pipelines and grows with releases."""


@dataclass(frozen=True)
class CandidateResult:
    """The best of one model family by cross-validation; file ``candidates/<family>.json``.

    Attributes
    ----------
    family : str
    params : mapping
        The chosen grid point.
    scores : mapping of str to tuple of float
        Metric -> one value for each fold.
    """

    NAME: ClassVar[str] = "candidates/{family}.json"
    family: str
    params: Figures
    scores: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class SearchTime:
    """Seconds that the search of one family took, kept apart so that results are reproducible."""

    NAME: ClassVar[str] = "candidates/{family}.seconds.json"
    search: float
    fit: float


@dataclass(frozen=True)
class ChosenModel:
    """The family chosen by cross-validation, calibrated, with its thresholds.

    Attributes
    ----------
    family, simplest : str
        The chosen family, and the simplest one that was searched.
    params : mapping
    candidates : tuple of str
        Families searched, sorted.
    thresholds : Thresholds
    budgets : Budgets
    calibration : mapping
        What is known of the false positives at ``block`` and ``review``, and ``n_rows``.
    order : mapping
        The training options of the run.
    """

    NAME: ClassVar[str] = "chosen.json"
    family: str
    simplest: str
    params: Figures
    candidates: tuple[str, ...]
    thresholds: Thresholds
    budgets: Budgets
    calibration: Figures
    order: Figures


@dataclass(frozen=True)
class Evaluation:
    """Group-disjoint test metrics of the chosen model.

    Attributes
    ----------
    test, random_split : mapping
        Of `include.evaluation.metrics.evaluate`.
    later_months : mapping or None
        Of `include.training.later_months.later_months_figures`.
    ceiling : float
        Accuracy that no model of these inputs can exceed.
    rows : mapping of str to int
        Side -> number of rows.
    simpler, shuffled : mapping
        Baselines, and the check with shuffled labels.
    slices : tuple of mapping
        Of `include.evaluation.slices.slice_figures`.
    fpr_interval, review_fpr_interval : tuple of float
        Of the rates of legitimate rows called phishing, and at least suspicious.
    verdicts : mapping
        Of `include.evaluation.verdict_figures.verdict_figures`.
    known_pages : mapping or None
        Of `include.evaluation.probes.known_page_figures`.
    edits : tuple of mapping
        Of `include.evaluation.probes.edit_figures`.
    champion, champion_on_same_rows : mapping or None
        The comparison with the version in production, and its figures.
    champion_serial : int
        0 when nothing had been approved.
    """

    NAME: ClassVar[str] = "evaluation.json"
    test: Figures
    random_split: Figures
    later_months: Figures | None
    ceiling: float
    rows: Mapping[str, int]
    simpler: Figures
    shuffled: Figures
    slices: tuple[Figures, ...]
    fpr_interval: tuple[float, float]
    review_fpr_interval: tuple[float, float]
    verdicts: Figures
    known_pages: Figures | None
    edits: tuple[Figures, ...]
    champion: Figures | None
    champion_on_same_rows: Figures | None
    champion_serial: int


@dataclass(frozen=True)
class Replay:
    """The traffic of the last days, scored by the chosen model and by the champion.

    Attributes
    ----------
    n_days : int
    figures : mapping or None
        Of `include.evaluation.replay.replay_figures`; None where there was nothing to replay.
    share : float
        Of the requests, sampled by their ids.
    champion : str
        Its version.
    missing : str
        Why there are no figures.
    """

    NAME: ClassVar[str] = "replay.json"
    n_days: int
    figures: Figures | None = None
    share: float = 1.0
    champion: str = ""
    missing: str = ""


@dataclass(frozen=True)
class MeasuredTimes:
    """Times that the report shows, measured once for each version; file ``times/<version>.json``.

    Attributes
    ----------
    latency_us : float
    search : mapping of str to mapping
        Family -> seconds of ``search`` and ``fit``.
    """

    NAME: ClassVar[str] = "times/{version}.json"
    latency_us: float
    search: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class ReportFigures:
    """What a report shows besides its metrics, computed on the test side.

    Attributes
    ----------
    intervals : mapping of str to tuple of float
    curves : mapping
        ``sweep``, ``reliability``, ``histogram``.
    importance, contributions : mapping or None
    """

    NAME: ClassVar[str] = "report_figures.json"
    intervals: Mapping[str, tuple[float, float]]
    curves: Figures
    importance: Figures | None
    contributions: Figures | None

"""What is known of a version besides its manifest; whatever is None is shown as not measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class ReportInputs:
    """The documents of the run that made a version.

    Attributes
    ----------
    title : str
        What the pipeline's models tell apart, in one line.
    sources : mapping of str to str
        Public data sets the records may come from: name -> SHA-256, empty if not known.
    evaluation : mapping
        ``evaluation.json``: ``champion``, ``slices``, ``simpler``, ``shuffled``, ``later_months``.
    verdicts : sequence of mapping or None
        Of the gate: ``rule``, ``passed``, ``sentence``, and ``judged``, ``figure``, ``limit``.
    champion : mapping or None
        Of the version in production: ``version``, ``family``, ``thresholds``, ``rows``, ``digest``.
    validation, drift : mapping or None
        ``validation.json`` and ``drift.json``.
    replay : mapping or None
        ``replay.json``.
    intervals : mapping or None
        Figure -> (low, high), of `include.evaluation.figure_intervals`.
    curves : mapping or None
        ``sweep``, ``reliability``, ``histogram`` of `include.evaluation.curves`.
    importance, contributions : mapping or None
        Of the modules of those names in `include.evaluation`.
    meanings : mapping of str to str
        What the names in `importance` and `contributions` mean.
    seconds : mapping or None
        Family -> ``search`` and ``fit``.
    """

    title: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    evaluation: Document = field(default_factory=dict)
    verdicts: Sequence[Document] | None = None
    champion: Document | None = None
    validation: Document | None = None
    drift: Document | None = None
    replay: Document | None = None
    intervals: Mapping[str, Sequence[float]] | None = None
    curves: Document | None = None
    importance: Document | None = None
    contributions: Document | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, Mapping[str, float]] | None = None

"""The documents that one step of a training run writes and another one reads.

Each is a frozen class with the name of its file and the version of its schema. `serialise` and
`parse` are the only way to and from bytes; another schema version or an unknown field is refused,
as the steps of one run are of one release.
"""

from include.contract.run_documents.batch import BatchInput, BatchJob, BatchTotals
from include.contract.run_documents.codec import parse, serialise
from include.contract.run_documents.data import (
    ChampionPin,
    DriftSummary,
    SnapshotSummary,
    SplitSummary,
    ValidationSummary,
)
from include.contract.run_documents.model import (
    CandidateResult,
    ChosenModel,
    Evaluation,
    MeasuredTimes,
    Replay,
    ReportFigures,
    SearchTime,
)
from include.contract.run_documents.release import (
    Disagreements,
    Drawn,
    GateVerdict,
    GateVerdicts,
    PackagedVersion,
    ServingFigures,
)

__all__ = [
    "BatchInput",
    "BatchJob",
    "BatchTotals",
    "CandidateResult",
    "ChampionPin",
    "ChosenModel",
    "Disagreements",
    "Drawn",
    "DriftSummary",
    "Evaluation",
    "GateVerdict",
    "GateVerdicts",
    "MeasuredTimes",
    "PackagedVersion",
    "Replay",
    "ReportFigures",
    "SearchTime",
    "ServingFigures",
    "SnapshotSummary",
    "SplitSummary",
    "ValidationSummary",
    "parse",
    "serialise",
]

"""One run of one pipeline: its files in the bucket, each read only by the digest handed over."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import keys
from include.contract.run_documents import parse, serialise
from include.contract.run_steps import StepRecord, merge_steps
from include.errors import RunDocumentError
from include.pipelines import Pipeline
from include.stores.objects import MAX_OBJECT_BYTES, ObjectStore
from include.training.grids import Effort, Imputer

DocumentT = TypeVar("DocumentT")
ResultT = TypeVar("ResultT")
P = ParamSpec("P")


@dataclass(frozen=True)
class TrainingOptions:
    """The options of a training run, set on its form.

    Attributes
    ----------
    effort : {"quick", "default", "thorough"}
    seed : int
    fpr_budget : float
        Share of legitimate rows that may be called phishing.
    imputer : {"simple", "knn"}
        What fills missing values inside the model.
    memory_mb : int
        What a step may hold; it decides how many rows are fitted in memory. 0 is what the pipeline
        takes of the pool.
    """

    effort: Effort
    seed: int
    fpr_budget: float
    imputer: Imputer = "simple"
    memory_mb: int = 0


@dataclass
class _OpenStep:
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class RunContext:
    """One run, as far as it has come.

    A file is read only if an earlier step of this run recorded it, and only with exactly the
    content recorded: whoever else can write the bucket cannot replace it.

    Attributes
    ----------
    store : ObjectStore
    pipeline : Pipeline
    run_id : str
        Of the DAG run.
    steps : tuple of StepRecord
        The steps that have ended.
    """

    store: ObjectStore
    pipeline: Pipeline
    run_id: str
    steps: tuple[StepRecord, ...] = ()
    _open: _OpenStep | None = field(default=None, init=False, repr=False)

    def key(self, name: str) -> str:
        """Return the key of a file of the run."""
        return keys.run_file(self.pipeline.name, self.run_id, name)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record what is read and written inside as one step; a step that fails is not recorded."""
        opened = self._open = _OpenStep()
        try:
            yield
        finally:
            self._open = None
        earlier = (step for step in self.steps if step.step != name)
        self.steps = (*earlier, StepRecord(name, opened.inputs, opened.outputs))

    def has(self, name: str) -> bool:
        """Return whether this run recorded the file."""
        return self._recorded(name) is not None

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file that this run recorded.

        Raises
        ------
        RunDocumentError
            If it recorded none of that name.
        """
        if (recorded := self._recorded(name)) is None:
            raise RunDocumentError(f"{self.key(name)}: no earlier step of this run wrote it")
        return recorded

    def write_bytes(self, name: str, body: bytes, content_type: str) -> None:
        """Leave `body` under the run and record its digest; what was there is replaced."""
        opened = self._opened()
        self.store.put(self.key(name), body, content_type)
        opened.outputs[name] = hashlib.sha256(body).hexdigest()

    def read_bytes(self, name: str) -> bytes:
        """Return a file of the run, verified.

        Raises
        ------
        RunDocumentError
            If no earlier step recorded it, or its content is not what that step wrote.
        ObjectMissingError
            If it is not kept any more.
        """
        expected = self.digest(name)
        body = self.store.get(self.key(name), MAX_OBJECT_BYTES)
        if hashlib.sha256(body).hexdigest() != expected:
            raise RunDocumentError(
                f"{self.key(name)} is not what the earlier step wrote: its SHA-256 differs"
            )
        if self._open is not None and name not in self._open.outputs:
            self._open.inputs[name] = expected
        return body

    def write(self, document: Any, name: str | None = None) -> None:
        """Leave a run document under the run."""
        self.write_bytes(name or document.NAME, serialise(document), "application/json")

    def read(self, kind: type[DocumentT], name: str | None = None) -> DocumentT:
        """Return a run document; errors as in `read_bytes`."""
        return parse(kind, self.read_bytes(name or kind.NAME))  # type: ignore[attr-defined]  # a run document

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Leave a frame under the run, as Parquet."""
        self.write_bytes(name, frame.to_parquet(index=False), "application/vnd.parquet")

    def read_frame(self, name: str) -> pd.DataFrame:
        """Return a frame of the run; errors as in `read_bytes`."""
        return pd.read_parquet(io.BytesIO(self.read_bytes(name)))

    def write_arrays(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Leave arrays of numbers under the run, in one file."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        self.write_bytes(name, buffer.getvalue(), "application/octet-stream")

    def read_arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Return arrays of the run by name; errors as in `read_bytes`."""
        with np.load(io.BytesIO(self.read_bytes(name)), allow_pickle=False) as arrays:
            return dict(arrays)

    def write_estimator(self, name: str, estimator: Any) -> None:
        """Leave a fitted estimator under the run, pickled."""
        from include.training.joblib_bytes import joblib_bytes

        self.write_bytes(name, joblib_bytes(estimator), "application/octet-stream")

    def read_estimator(self, name: str) -> Any:
        """Return an estimator of the run; other bytes are never unpickled. Errors: `read_bytes`."""
        import joblib

        return joblib.load(io.BytesIO(self.read_bytes(name)))

    def after(self, *steps: Iterable[StepRecord]) -> "RunContext":
        """Return the same run as it is after these steps."""
        return RunContext(self.store, self.pipeline, self.run_id, merge_steps(*steps))

    def _recorded(self, name: str) -> str | None:
        written = [self._open.outputs] if self._open else []
        for outputs in (*written, *(step.outputs for step in reversed(self.steps))):
            if name in outputs:
                return outputs[name]
        return None

    def _opened(self) -> _OpenStep:
        if self._open is None:
            raise RunDocumentError(f"{self.run_id}: files are written inside a step only")
        return self._open


def recorded_step(
    name: str,
) -> Callable[
    [Callable[Concatenate[RunContext, P], ResultT]], Callable[Concatenate[RunContext, P], ResultT]
]:
    """Make a function of a run one of its recorded steps."""

    def decorate(
        function: Callable[Concatenate[RunContext, P], ResultT],
    ) -> Callable[Concatenate[RunContext, P], ResultT]:
        def step(run: RunContext, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
            with run.step(name):
                return function(run, *args, **kwargs)

        return update_wrapper(step, function)

    return decorate

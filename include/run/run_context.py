"""One run of one pipeline, and the intermediate results it keeps in the bucket."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from include.contract import keys
from include.contract.manifest import describe_file
from include.errors import ObjectMissingError, PreconditionError, VersionRefusedError
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore
from include.training.grids import Effort, Imputer


@dataclass(frozen=True)
class TrainingOptions:
    """What whoever started the run asked for.

    Attributes
    ----------
    effort : {"quick", "default", "thorough"}
    seed : int
    fpr_budget : float
        Share of legitimate rows that the threshold may flag.
    imputer : {"simple", "knn"}
        What fills missing values inside the model.
    """

    effort: Effort
    seed: int
    fpr_budget: float
    imputer: Imputer = "simple"


@dataclass(frozen=True)
class RunContext:
    """One run.

    Attributes
    ----------
    store : ObjectStore
    pipeline : Pipeline
    run_id : str
        Of the DAG run.
    """

    store: ObjectStore
    pipeline: Pipeline
    run_id: str

    def key(self, name: str) -> str:
        """Return the key of an intermediate result."""
        return keys.run_file(self.pipeline.name, self.run_id, name)

    def write_json(self, name: str, document: Any) -> bytes:
        """Return the bytes of a JSON document that is now under the run."""
        body = json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
        self.store.put(self.key(name), body, "application/json")
        return body

    def read_json(self, name: str) -> Any:
        """Return a JSON document of the run."""
        return json.loads(self.store.get(self.key(name)))

    def keep_first(self, name: str, make: Callable[[], Any]) -> Any:
        """Return the JSON document of the run that was kept first under `name`; made if none is."""
        try:
            return self.read_json(name)
        except ObjectMissingError:
            body = json.dumps(make(), indent=1, sort_keys=True, allow_nan=False)
        try:
            self.store.put_if_absent(self.key(name), body.encode(), "application/json")
        except PreconditionError:
            return self.read_json(name)  # another attempt came first
        return json.loads(body)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Leave a frame under the run, as Parquet."""
        self.store.put(self.key(name), frame.to_parquet(index=False), "application/vnd.parquet")

    def read_frame(self, name: str) -> pd.DataFrame:
        """Return a frame of the run."""
        return pd.read_parquet(io.BytesIO(self.store.get(self.key(name))))

    def write_estimator(self, name: str, estimator: Any) -> str:
        """Return the SHA-256 of a fitted estimator now pickled under the run."""
        from include.training.joblib_bytes import joblib_bytes

        body = joblib_bytes(estimator)
        self.store.put(self.key(name), body)
        return describe_file(body).sha256

    def read_estimator(self, name: str, sha256: str) -> Any:
        """Return an estimator of the run whose pickle has exactly the digest handed over.

        Raises
        ------
        VersionRefusedError
            If the bytes are other bytes; they are not unpickled.
        """
        import joblib

        body = self.store.get(self.key(name))
        if describe_file(body).sha256 != sha256:
            raise VersionRefusedError(f"{self.key(name)} is not what the earlier step wrote")
        return joblib.load(io.BytesIO(body))

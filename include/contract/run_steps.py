"""Which files each step of a run read and wrote, by SHA-256: handed over by Airflow, then signed.

Airflow keeps the records in its own database, out of reach of a writer of the bucket. At the
end of a run its trainer signs them as one in-toto statement about the manifest of the version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import signature
from include.errors import RunDocumentError, SignatureError

CHAIN = "chain.json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://nightcatch/run-chain/v1"


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Attributes
    ----------
    step : str
    inputs, outputs : mapping of str to str
        Name of a file under the run -> SHA-256 of its content.
    """

    step: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class RunChain:
    """The steps of a run, up to the gate.

    Attributes
    ----------
    pipeline, run_id, version, manifest_sha256 : str
    steps : tuple of StepRecord
        In the order in which they ended.
    """

    pipeline: str
    run_id: str
    version: str
    manifest_sha256: str
    steps: tuple[StepRecord, ...]

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed statement."""
        statement = {
            "_type": _STATEMENT,
            "subject": [{"name": self.version, "digest": {"sha256": self.manifest_sha256}}],
            "predicateType": _PREDICATE,
            "predicate": {
                "pipeline": self.pipeline,
                "run_id": self.run_id,
                "steps": steps_as_json(self.steps),
            },
        }
        return signature.signed_document(_PAYLOAD_TYPE, statement, key)


def parse_chain(body: bytes, trusted: signature.PublicKeys) -> RunChain:
    """Return the chain that `body` holds, once its signature is verified.

    Raises
    ------
    SignatureError
        If it is malformed or was not signed by one of the trusted trainers.
    """
    try:
        statement = signature.verified_document(_PAYLOAD_TYPE, body, trusted)
        if (statement["_type"], statement["predicateType"]) != (_STATEMENT, _PREDICATE):
            raise SignatureError(f"{CHAIN} is not the statement of a run")
        (subject,) = statement["subject"]
        predicate = statement["predicate"]
        return RunChain(
            pipeline=str(predicate["pipeline"]),
            run_id=str(predicate["run_id"]),
            version=str(subject["name"]),
            manifest_sha256=str(subject["digest"]["sha256"]),
            steps=steps_from_json(predicate["steps"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise SignatureError(f"{CHAIN} is malformed: {type(err).__name__}") from err


def steps_as_json(steps: Iterable[StepRecord]) -> list[dict[str, Any]]:
    """Return the records as values that JSON and Airflow's XCom can hold."""
    return [asdict(step) for step in steps]


def steps_from_json(found: Sequence[Mapping[str, Any]]) -> tuple[StepRecord, ...]:
    """Return the records that `steps_as_json` gave."""
    return tuple(
        StepRecord(str(step["step"]), dict(step["inputs"]), dict(step["outputs"])) for step in found
    )


def merge_steps(*given: Iterable[StepRecord]) -> tuple[StepRecord, ...]:
    """Return each step once, in order of first appearance.

    Raises
    ------
    RunDocumentError
        If two records of one step differ: they are of two attempts of the run.
    """
    merged: dict[str, StepRecord] = {}
    for steps in given:
        for step in steps:
            if merged.setdefault(step.step, step) != step:
                raise RunDocumentError(
                    f"step {step.step} was handed over twice with different files; clear it with "
                    "all steps after it"
                )
    return tuple(merged.values())

"""A version trained again from its snapshot, in a run of its own that leaves nothing behind."""

import json
import platform
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest, describe_file
from include.contract.run_documents import ChosenModel, SnapshotSummary
from include.contract.verdicts import REVIEW_BUDGET
from include.errors import ManifestError, ObjectMissingError, VersionRefusedError
from include.evaluation.metrics import evaluate
from include.pipelines import Pipeline
from include.registry.follow.verify import TrustedKeys
from include.registry.retention.sweep import clear
from include.registry.versions import read_signed_manifest
from include.run.champion import load_version, provisional_pointer
from include.run.rows import read_side, split
from include.run.run_context import RunContext, TrainingOptions
from include.run.steps import data, training
from include.run.steps.serving_checks import largest_difference
from include.stores.objects import ObjectStore
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import to_onnx


@dataclass(frozen=True)
class Comparison:
    """One thing that was recorded, beside what came out now.

    Attributes
    ----------
    name : str
    recorded, now
        Digests, numbers or names.
    """

    name: str
    recorded: Any
    now: Any

    @property
    def is_same(self) -> bool:
        """Whether they are identical, to the last bit."""
        return bool(self.recorded == self.now)

    def __str__(self) -> str:
        return f"{self.recorded}" if self.is_same else f"{self.recorded}, now {self.now}"


@dataclass(frozen=True)
class Reproduction:
    """What came of making a version again.

    Attributes
    ----------
    comparisons : tuple of Comparison
    remarks : tuple of str
        What may explain a difference, a sentence each.
    """

    comparisons: tuple[Comparison, ...]
    remarks: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        """Whether nothing differs."""
        return all(each.is_same for each in self.comparisons)


def reproduce(
    store: ObjectStore,
    pipeline: Pipeline,
    version: str,
    trusted_keys: TrustedKeys,
    *,
    gx_root: Path,
    code_commit: str,
    say: Callable[[str], None],
) -> Reproduction:
    """Return how a model made now, of the same records and by the same order, compares.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    version : str
    trusted_keys : TrustedKeys
    gx_root : Path
        Holds the suites.
    code_commit : str
        Of the code that runs now.
    say : callable
        Told of each step.

    Raises
    ------
    VersionRefusedError
        If the version or its snapshot is not kept.
    SignatureError, ManifestError
        If the version must not be verified, or does not say how it was made.
    """
    manifest, body = read_signed_manifest(store, pipeline.name, version, trusted_keys)
    recorded = load_version(
        store, provisional_pointer(pipeline.name, version, describe_file(body).sha256), trusted_keys
    )
    run = RunContext(store, pipeline, f"reproduce__{version}__{secrets.token_hex(4)}")
    try:
        chosen = _train(run, manifest, gx_root, say)
        estimator, test = training.read_chosen(run), read_side(run, "test")
        say("compare")
        comparisons = (
            *_compare_models(manifest, chosen, estimator, pipeline.n_columns),
            *_compare_figures(manifest, chosen, estimator, test.X, test.y),
        )
        difference = largest_difference(recorded.model, estimator, test)
    finally:
        _clear(run)
    scores = (
        f"on {len(test.y)} test rows, the model kept (ONNX) and the one made now (scikit-learn) "
        f"differ by {difference:.3g} in probability at most"
    )
    remarks = [scores, *_surroundings(manifest, code_commit)]
    return Reproduction(comparisons, tuple(remarks))


def _train(
    run: RunContext, manifest: Manifest, gx_root: Path, say: Callable[[str], None]
) -> ChosenModel:
    if "order" not in manifest.model:
        raise ManifestError(
            f"{manifest.pipeline}: {manifest.version} does not say what was ordered of its run; "
            "it was made before manifests kept that"
        )
    order, digest = TrainingOptions(**manifest.model["order"]), str(manifest.snapshot["digest"])
    say(f"validate the records of snapshot {digest}")
    try:
        with run.step("take_snapshot"):
            known = str(manifest.reference.get("digest", ""))
            run.write(SnapshotSummary(digest, 0, 0, manifest.created_at, known))
        data.validate(run, gx_root)
    except ObjectMissingError as err:
        raise VersionRefusedError(
            f"{manifest.pipeline}: snapshot {digest} of {manifest.version} is not kept any more"
        ) from err
    split(run)
    for candidate in manifest.metrics["candidates"]:
        say(f"search {candidate['family']}")
        training.search(run, candidate["family"], order)
    say("choose, calibrate, set the thresholds")
    return training.choose(run, order)


def _compare_models(
    manifest: Manifest, chosen: ChosenModel, estimator: Any, n_columns: int
) -> Iterator[Comparison]:
    yield Comparison("family", manifest.model["family"], chosen.family)
    yield Comparison("parameters", manifest.model["params"], _as_json(dict(chosen.params)))
    made = {
        keys.MODEL_ONNX: to_onnx(estimator, n_columns),
        keys.MODEL_JOBLIB: joblib_bytes(estimator),
    }
    for name, body in made.items():
        yield Comparison(name, manifest.files[name].sha256, describe_file(body).sha256)


def _compare_figures(
    manifest: Manifest, chosen: ChosenModel, estimator: Any, X: Any, y: Any
) -> Iterator[Comparison]:
    for name, recorded in vars(manifest.thresholds).items():
        yield Comparison(f"{name} threshold", recorded, vars(chosen.thresholds)[name])
    probability = estimator.predict_proba(X)[:, 1]
    figures = evaluate(y, probability, chosen.thresholds, REVIEW_BUDGET)
    for name, recorded in manifest.metrics["test"].items():
        yield Comparison(f"test {name}", recorded, _as_json(figures.get(name)))


def _as_json(value: Any) -> Any:
    """Return the value as it would be read back from a manifest."""
    return json.loads(json.dumps(value))


def _surroundings(manifest: Manifest, code_commit: str) -> Iterator[str]:
    if manifest.code_commit != code_commit:
        yield (
            f"the code differs: {manifest.code_commit or 'an unknown commit'}, "
            f"now {code_commit or 'an unknown commit'}"
        )
    for name, recorded in sorted(manifest.libraries.items()):
        now = _installed(name)
        if now != recorded:
            yield f"{name} differs: {recorded}, now {now}"


def _installed(name: str) -> str:
    if name == "python":
        return platform.python_version()
    try:
        return library_version(name)
    except PackageNotFoundError:
        return "not installed"


def _clear(run: RunContext) -> None:
    """Leave nothing of the run in the bucket."""
    name, run_id = run.pipeline.name, run.run_id
    for prefix in (keys.run_prefix(name, run_id), keys.docs_prefix(name, run_id)):
        clear(run.store, prefix)
    run.store.delete(keys.quarantine(name, run_id))

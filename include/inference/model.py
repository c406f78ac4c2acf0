"""Make a model of verified ONNX bytes; the trainer tries its graphs with the same code."""

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from include.contract import keys
from include.contract.manifest import Manifest
from include.errors import (
    ManifestError,
    ModelOutputError,
    NightCatchError,
    VersionRefusedError,
)
from include.features.feature_sets import FeatureSet, feature_set
from include.inference.explain.contributions import Explainer, Explanation
from include.inference.explain.text import explain_text
from include.inference.graph_allowlist import check_graph
from include.inference.record_schema import Matrix, RecordSchema
from include.urls.reference.container import from_bytes
from include.urls.reference.facts import Reference

INPUT = "X"
OUTPUT = "probability"
_WARM_UP_ROWS = (1, 64)


class OnnxModel:
    """An ONNX Runtime session with the inputs its manifest declares; safe to share by threads.

    Attributes
    ----------
    manifest : Manifest
    schema : RecordSchema
        Makes `score`'s matrix of records.
    features : FeatureSet or None
        Makes the graph's columns of texts; None where it takes the records' columns.
    reference : Reference or None
        What the features are made of besides the texts.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        manifest: Manifest,
        body: bytes,
        reference: bytes,
    ) -> None:
        self.manifest = manifest
        self.schema = RecordSchema(manifest.inputs)
        self.features = _features(manifest, self.schema)
        self.reference = _reference(manifest, reference)
        self._session = session
        self._body = body
        self._explainer: Explainer | None = None
        self._explaining = threading.Lock()

    @property
    def n_columns(self) -> int:
        """How many columns the graph takes."""
        return self.schema.n_inputs if self.features is None else self.features.n_columns

    def explain(self, matrix: Matrix) -> list[Explanation]:
        """Return what moves the score of each row: its inputs, or the parts of its text.

        The first call reads the graph's trees, which takes up to a second for a large forest: a
        swap does not wait for it.
        """
        if self.features is not None:
            return [explain_text(text, self.features, self.score) for text in matrix[:, 0]]
        with self._explaining:
            if self._explainer is None:
                graph = onnx.ModelProto.FromString(self._body).graph
                self._explainer = Explainer(graph, self.score, self.schema.n_inputs)
        return [self._explainer.explain(row) for row in matrix]

    def score(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """Return the calibrated probability of phishing of each row.

        Parameters
        ----------
        matrix : ndarray of shape (n, n_inputs)
            float32 in the manifest's input order, NaN where a value is missing (the graph imputes
            it as the training pipeline did); text of shape (n, 1) for a string input.

        Returns
        -------
        ndarray of shape (n,), float32

        Raises
        ------
        ModelOutputError
            If the model gives no probability for a row.
        """
        columns = matrix
        if self.features is not None and self.reference is not None:
            columns = self.features.columns_of(matrix, self.reference)
        (output,) = self._session.run([OUTPUT], {INPUT: columns})
        probability: npt.NDArray[np.float32] = output
        if not _are_probabilities(probability):
            raise ModelOutputError("the model gives no probability for these values")
        return probability


def _are_probabilities(values: npt.NDArray[np.float32]) -> bool:
    # NaN fails both comparisons; one number is looked at quicker than an array of one.
    if values.size == 1:
        return 0.0 <= values.item() <= 1.0
    return bool(((values >= 0.0) & (values <= 1.0)).all())


def load_model(
    body: bytes,
    manifest: Manifest,
    reference: bytes = b"",
    check: Callable[[bytes], None] = check_graph,
) -> OnnxModel:
    """Return a model that has been tried: its graph, signature and first outputs are sound.

    Parameters
    ----------
    body : bytes
        The verified content of ``model.onnx``.
    manifest : Manifest
    reference : bytes
        The verified content of ``reference.bin``; empty where the features need none.
    check : callable
        Does what `check_graph` does.

    Raises
    ------
    VersionRefusedError
        If the graph uses an unexpected operator or external data, cannot be loaded, or does not
        take the manifest's inputs.
    ManifestError
        If no record can be made of the manifest's inputs, its feature set is unknown, or its
        reference data are missing or malformed.
    ModelOutputError
        If its first outputs are no probabilities.
    """
    check(body)
    onnxruntime.disable_telemetry_events()
    try:
        session = onnxruntime.InferenceSession(
            body, sess_options=_one_thread(), providers=["CPUExecutionProvider"]
        )
        model = OnnxModel(session, manifest, body, reference)
        _check_signature(session, model.n_columns, manifest.version)
        _warm_up(model)
    except NightCatchError:
        raise
    # ONNX Runtime's errors share no base class of their own.
    except Exception as err:
        raise VersionRefusedError(
            f"{manifest.version}: ONNX Runtime refuses the model: {type(err).__name__}"
        ) from err
    return model


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Bytes that look like ONNX Runtime's own format would pass by the check of the graph.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _features(manifest: Manifest, schema: RecordSchema) -> FeatureSet | None:
    if schema.is_text != bool(manifest.features):
        raise ManifestError(
            f"{manifest.version}: a feature set and one input of text go together,"
            f" the manifest has {manifest.features!r} and {', '.join(schema.names)}"
        )
    return feature_set(manifest.features) if manifest.features else None


def _reference(manifest: Manifest, body: bytes) -> Reference | None:
    if bool(manifest.features) != bool(body):
        raise ManifestError(
            f"{manifest.version}: a feature set and {keys.REFERENCE} go together: "
            "train the pipeline again"
        )
    return from_bytes(body) if body else None


def _check_signature(session: onnxruntime.InferenceSession, n_columns: int, version: str) -> None:
    inputs = [(entry.name, entry.type, entry.shape[1:]) for entry in session.get_inputs()]
    if inputs != [(INPUT, "tensor(float)", [n_columns])]:
        raise VersionRefusedError(f"{version}: inputs {inputs} are not those of the manifest")
    outputs = [(entry.name, entry.type) for entry in session.get_outputs()]
    if outputs != [(OUTPUT, "tensor(float)")]:
        raise VersionRefusedError(f"{version}: outputs {outputs} are not one probability")


def _warm_up(model: OnnxModel) -> None:
    """Return after scoring small and larger batches, of typical and of missing values."""
    schema = model.schema
    for n_rows in _WARM_UP_ROWS:
        values = ["http://example.com/"] if schema.is_text else _typical_values(model.manifest)
        rows = [list(values) for _ in range(n_rows)]
        if not schema.is_text:
            rows[0] = [float("nan")] * schema.n_inputs
        output = model.score(schema.matrix(rows))
        if output.shape != (n_rows,) or output.dtype != np.float32:
            raise ModelOutputError(
                f"{n_rows} rows gave {output.dtype} of shape {output.shape}, not a float32 each"
            )


def _typical_values(manifest: Manifest) -> list[float]:
    return [float(field.allowed[0]) if field.allowed else 0.0 for field in manifest.inputs]

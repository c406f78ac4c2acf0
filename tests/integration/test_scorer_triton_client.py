"""The Open Inference Protocol's best-known client against a running scorer."""

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from include.stores.objects import ObjectStore
from include.urls.reference.build import built_in_bytes
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import Signer, TextVersion, Version, promote, version_name

VERSION = version_name(1)
ROWS = np.array([[1, -1], [np.nan, 1]], np.float32)
URLS = np.array([[b"http://a.example/"], [b"http://b.example/login"]], np.object_)


@pytest.fixture(scope="module")
def client(s3, tmp_path_factory):
    folder = tmp_path_factory.mktemp("triton")
    store = ObjectStore(s3.client(), "nightcatch")
    trainer, approver = Signer.new(folder, "trainer"), Signer.new(folder, "approver")
    env = {
        "NIGHTCATCH_S3_ENDPOINT": s3.endpoint_url,
        "NIGHTCATCH_S3_BUCKET": "nightcatch",
        "NIGHTCATCH_PIPELINES": "triton_sites,triton_urls",
        "AWS_ACCESS_KEY_ID": s3.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(trainer.write_public_pem(folder / "trainer.pub")),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver.write_public_pem(folder / "approver.pub")),
    }
    sites = {"model.onnx": onnx_graphs.logistic((2.0, -1.0))}
    urls = {"model.onnx": onnx_graphs.text_classifier(), "reference.bin": built_in_bytes()}
    for version in (
        Version(VERSION, pipeline="triton_sites", files=sites),
        TextVersion(VERSION, pipeline="triton_urls", files=urls, inputs=TEXT["inputs"]),
    ):
        promote(store, version, trainer, approver, run_id=f"run-{version.pipeline}")
    scorer = ScorerProcess(folder, env)
    scorer.start("/health/ready")
    opened = triton.InferenceServerClient(scorer.url.removeprefix("http://"))
    yield opened
    opened.close()
    scorer.kill()


def tensor(name, values, datatype, *, binary=True):
    entry = triton.InferInput(name, list(values.shape), datatype)
    return entry.set_data_from_numpy(values, binary_data=binary)


def test_the_client_finds_the_server_the_models_and_their_versions(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("triton_sites")
    assert client.is_model_ready("triton_sites", VERSION)
    assert not client.is_model_ready("triton_sites", "1")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata("triton_sites", VERSION)
    assert (metadata["name"], metadata["versions"]) == ("triton_sites", [VERSION])


@pytest.mark.parametrize("binary_output", [None, True, False])
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("version", ["", VERSION], ids=["newest", "versioned"])
def test_numbers_are_scored(client, binary, binary_output, version):
    rows = ROWS if binary else np.nan_to_num(ROWS)
    outputs = [
        triton.InferRequestedOutput(name, binary_data=binary_output)
        for name in ("probability", "prediction")
    ]
    result = client.infer(
        "triton_sites",
        [tensor("X", rows, "FP32", binary=binary)],
        version,
        outputs=None if binary_output is None else outputs,
        request_id="order-7",
    )

    probabilities = result.as_numpy("probability")
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (2,))
    assert probabilities[0] == pytest.approx(0.952574)
    assert result.as_numpy("prediction")[0] in (b"Phishing", "Phishing")
    assert result.get_response()["id"] == "order-7"


@pytest.mark.parametrize("datatype", [np.int8, np.int64, np.float16, np.float64, np.uint8])
def test_each_column_may_be_a_tensor_of_its_own(client, datatype):
    name = np_to_triton_dtype(datatype)
    columns = [tensor(column, np.array([[1], [0]], datatype), name) for column in ("b", "a")]
    result = client.infer("triton_sites", columns)
    matrix = client.infer("triton_sites", [tensor("X", np.array([[1, 1], [0, 0]], datatype), name)])

    assert result.as_numpy("probability").tolist() == matrix.as_numpy("probability").tolist()


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("name", ["X", "url"])
def test_urls_are_scored(client, name, binary):
    result = client.infer("triton_urls", [tensor(name, URLS, "BYTES", binary=binary)])

    assert result.as_numpy("prediction").shape == (2,)


@pytest.mark.parametrize(
    ("model", "version", "inputs", "status", "words"),
    [
        ("triton_sites", "9", [tensor("X", ROWS, "FP32")], "404", "9"),
        ("triton_sites", "", [tensor("a", ROWS[:, :1], "FP32")], "422", "b"),
        ("triton_sites", "", [tensor("X", URLS, "BYTES")], "422", "BYTES"),
        ("triton_urls", "", [tensor("X", ROWS, "FP32")], "422", "FP32"),
        ("triton_sites", "", [tensor("X", ROWS * np.inf, "FP32")], "422", "records"),
        ("triton_urls", "", [tensor("X", np.array([b"\xff"]), "BYTES")], "422", "UTF-8"),
    ],
)
def test_a_refusal_reaches_the_client_with_its_reason(
    client, model, version, inputs, status, words
):
    with pytest.raises(InferenceServerException) as caught:
        client.infer(model, inputs, version)

    assert caught.value.status() == status
    assert words in caught.value.message()

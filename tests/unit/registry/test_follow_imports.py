"""The scorer's process holds nothing that can unpickle, train, or sign."""

import subprocess
import sys

FORBIDDEN = {
    "airflow", "great_expectations", "joblib", "model_signing", "pandas", "pymongo", "sigstore",
    "sklearn", "skl2onnx",
}  # fmt: skip


def test_scorer_and_follower_import_none_of_the_training_libraries():
    program = (
        "import sys, include.services.scorer.wsgi, include.registry.follow\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert FORBIDDEN & set(run.stdout.split()) == set()
    assert {"flask", "onnxruntime", "boto3"} <= set(run.stdout.split())

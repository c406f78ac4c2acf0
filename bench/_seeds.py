"""Ways to serve a joblib file that the scoring service is measured beside."""

import os
from pathlib import Path
from typing import Any

import joblib
import mlflow.pyfunc
import pandas as pd
from flask import Flask, jsonify, request

MODEL_VARIABLE = "NIGHTCATCH_BENCH_MODEL"


def seeds() -> Flask:
    """Return a Flask application that scores a frame per request with the joblib file."""
    app = Flask("seeds")
    model = joblib.load(os.environ[MODEL_VARIABLE])

    @app.post("/predict")
    def predict() -> Any:
        return jsonify(_score(model, request.get_json()["record"]))

    return app


def save_for_mlflow(model_file: Path, folder: Path) -> None:
    """Leave in `folder` what ``mlflow models serve`` serves: the same file, loaded from here.

    MLflow's own flavour for scikit-learn does not load trees without a list of trusted types.
    """
    mlflow.pyfunc.save_model(
        folder, loader_module=__name__, data_path=str(model_file), pip_requirements=[]
    )


def _load_pyfunc(path: str) -> Any:  # MLflow looks for this name
    return _ForMlflow(joblib.load(path))


class _ForMlflow:
    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, frame: pd.DataFrame, params: object = None) -> list[dict[str, Any]]:
        return [
            _answer(float(value)) for value in self._model.predict_proba(frame.to_numpy())[:, 1]
        ]


def _score(model: Any, record: dict[str, Any]) -> dict[str, Any]:  # whatever joblib loads
    return _answer(float(model.predict_proba(pd.DataFrame([record]).to_numpy())[0, 1]))


def _answer(probability: float) -> dict[str, Any]:
    label = "Phishing" if probability >= 0.5 else "Legitimate"
    return {"prediction": label, "confidence": max(probability, 1 - probability)}

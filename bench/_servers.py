"""What the scoring service is measured beside; the WSGI ones run under its gunicorn settings."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from flask import Flask, jsonify, request

MODEL_VARIABLE = "NIGHTCATCH_BENCH_MODEL"


def noop() -> Flask:
    """Return a Flask application that reads the question and answers a constant."""
    app = Flask("noop")

    @app.post("/predict")
    def predict() -> Any:
        request.get_data(cache=False)
        return jsonify({"prediction": "Phishing", "confidence": 0.97})

    return app


def seeds() -> Flask:
    """Return a Flask application that scores as the seeds do: joblib, a frame by request."""
    app = Flask("seeds")
    model = joblib.load(os.environ[MODEL_VARIABLE])

    @app.post("/predict")
    def predict() -> Any:
        return jsonify(_score(model, request.get_json()["record"]))

    return app


def seeds_fastapi() -> FastAPI:
    """Return the same under FastAPI."""
    app = FastAPI()
    model = joblib.load(os.environ[MODEL_VARIABLE])

    @app.post("/predict")
    def predict(question: dict[str, Any]) -> dict[str, Any]:
        return _score(model, question["record"])

    return app


def _score(model: Any, record: dict[str, Any]) -> dict[str, Any]:  # whatever joblib loads
    probability = float(model.predict_proba(pd.DataFrame([record]).to_numpy())[0, 1])
    label = "Phishing" if probability >= 0.5 else "Legitimate"
    return {"prediction": label, "confidence": max(probability, 1 - probability)}

"""What a team would write instead of the scoring service: the same ONNX graph, little around it.

None of them checks a signature, follows a bucket, logs, counts, or gives a prediction an id.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from flask import Flask, jsonify, request
from pydantic import BaseModel, create_model

from include.pipelines.sites.records import FIELDS

GRAPH_VARIABLE = "NIGHTCATCH_BENCH_GRAPH"
NAMES = [field.name for field in FIELDS]
_Message = MutableMapping[str, Any]  # as ASGI has it


class Prediction(BaseModel):
    """What every neighbour responds with."""

    prediction: str
    confidence: float


def noop() -> Flask:
    """Return a Flask application that reads the body and responds with a constant."""
    app = Flask("noop")

    @app.post("/predict")
    def predict() -> Any:
        request.get_data(cache=False)
        return jsonify({"prediction": "Phishing", "confidence": 0.97})

    return app


def flask_ort() -> Flask:
    """Return a plain Flask application with ONNX Runtime."""
    app, score = Flask("flask_ort"), _scorer()

    @app.post("/predict")
    def predict() -> Any:
        return jsonify(score(request.get_json()["record"]))

    return app


def fastapi_ort() -> FastAPI:
    """Return a FastAPI application with typed records and ONNX Runtime."""
    app, score = FastAPI(), _scorer()
    record = create_model("Record", **dict.fromkeys(NAMES, (int, ...)))  # type: ignore[call-overload]  # its fields are known at run time
    body = create_model("Body", record=(record, ...))

    async def predict(sent):  # type: ignore[no-untyped-def]  # FastAPI reads the annotation below
        return score(sent.record.model_dump())

    predict.__annotations__ = {"sent": body, "return": Prediction}
    app.post("/predict")(predict)
    return app


def raw_asgi_ort() -> Callable[..., Awaitable[None]]:
    """Return a bare ASGI application with ONNX Runtime."""
    score = _scorer()

    async def app(
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        response = json.dumps(score(json.loads(body).get("record", {}))).encode()
        length = str(len(response)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response})

    return app


def _scorer() -> Callable[[dict[str, Any]], dict[str, Any]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.environ[GRAPH_VARIABLE], sess_options=options)

    def score(record: dict[str, Any]) -> dict[str, Any]:
        row = np.array([[record[name] for name in NAMES]], dtype=np.float32)
        (probabilities,) = session.run(["probability"], {"X": row})
        probability = float(probabilities[0])
        label = "Phishing" if probability >= 0.5 else "Legitimate"
        return {"prediction": label, "confidence": max(probability, 1 - probability)}

    return score

"""What gunicorn's master leaves behind for its workers."""

import os

from include.services.scorer import gunicorn_conf


def test_the_runtime_of_the_models_reports_to_nobody(monkeypatch):
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("NIGHTCATCH_CACHE_DIR", raising=False)

    gunicorn_conf.on_starting(None)

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"

"""What gunicorn's master leaves behind for its workers."""

import os
import resource

from include.services.scorer.serving import gunicorn_conf


def test_the_runtime_of_the_models_reports_to_nobody(monkeypatch):
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("NIGHTCATCH_CACHE_DIR", raising=False)

    gunicorn_conf.on_starting(None)

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_more_files_may_be_open_than_many_systems_begin_with(monkeypatch):
    monkeypatch.delenv("NIGHTCATCH_CACHE_DIR", raising=False)
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        gunicorn_conf.on_starting(None)
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        gunicorn_conf.on_starting(None)

        assert raised == min(4096, hard)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (raised, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))

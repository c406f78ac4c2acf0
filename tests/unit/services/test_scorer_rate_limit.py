"""Each key has its allowance, which all workers count together."""

import hashlib
import multiprocessing
from dataclasses import dataclass

import pytest

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.settings import RateLimit
from tests.support import onnx_graphs
from tests.support.scorer_app import app_of, following

LIMIT = RateLimit(per_second=2.0, burst=3.0)
fork = multiprocessing.get_context("fork")


@dataclass
class Clock:
    now_s: float = 1_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(tmp_path, clock):
    return RateLimiter(tmp_path / "limits", LIMIT, clock)


def allowed(limiter, client, n_requests):
    return sum(limiter.wait_s(client) == 0 for _ in range(n_requests))


def test_a_burst_is_allowed_and_then_so_many_a_second(limiter, clock):
    assert allowed(limiter, "ann", 10) == 3
    assert limiter.wait_s("ann") == pytest.approx(0.5)
    clock.now_s += 0.5
    assert allowed(limiter, "ann", 10) == 1
    clock.now_s += 1.0
    assert allowed(limiter, "ann", 10) == 2
    clock.now_s += 3600
    assert allowed(limiter, "ann", 10) == 3


def test_one_client_costs_another_nothing(limiter):
    allowed(limiter, "ann", 10)

    assert allowed(limiter, "bob", 10) == 3


def test_workers_count_together(limiter, clock, tmp_path):
    def ask(answers):
        answers.put(allowed(RateLimiter(tmp_path / "limits", LIMIT, clock), "ann", 50))

    answers = fork.SimpleQueue()
    workers = [fork.Process(target=ask, args=(answers,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(answers.get() for _ in workers) == 3


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_locks_nobody_out(limiter, clock, jump_s):
    allowed(limiter, "ann", 10)
    clock.now_s += jump_s

    assert allowed(limiter, "ann", 10) == 3


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path, limiter, clock):
    path = tmp_path / "keys"
    path.write_text("".join(f"{n} {hashlib.sha256(n.encode()).hexdigest()}\n" for n in "ab"))
    access = Access(ApiKeys(path), limiter)
    client = app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, access=access
    ).test_client()

    def ask(key):
        body = {"record": {"a": 1, "b": -1}}
        return client.post("/predict", json=body, headers={"X-API-Key": key})

    statuses = [ask("a").status_code for _ in range(4)]
    refused = ask("a")

    assert statuses == [200, 200, 200, 429]
    assert refused.headers["Retry-After"] == "1"
    assert refused.content_type == "application/problem+json"
    assert ask("b").status_code == 200
    assert client.get("/version").status_code == 200
    clock.now_s += 0.5
    assert ask("a").status_code == 200

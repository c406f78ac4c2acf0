"""Versions change while the scoring service is under load."""

import json
import multiprocessing
import os
import time
from dataclasses import dataclass

from bench._load import Load, generate, post_once
from bench._published import Published
from bench._serving import N_CONNECTIONS, Server
from include.pipelines.sites.records import FIELDS

BAD_OF_TEN = (2, 5, 8)
_SEEN_TIMEOUT_S = 60.0
_SETTLED_S = 3.0


@dataclass(frozen=True)
class Swaps:
    """What changing versions did to a server.

    Attributes
    ----------
    steady, changing : Load
        At the same rate, before and while versions changed.
    mib_before, mib_after : int
        VmRSS of the larger worker, while each has one version.
    """

    steady: Load
    changing: Load
    mib_before: int
    mib_after: int


def swap(
    server: Server, published: Published, graph: bytes, *, rps: float, n: int, every_s: float
) -> Swaps:
    """Return what `n` changes did, three of ten to a version whose signature is wrong.

    Parameters
    ----------
    server : Server
    published : Published
    graph : bytes
        Of every version.
    rps : float
        The load, over all of it.
    n : int
    every_s : float
        From one change to the next.
    """
    steady_s = min(20.0, n * every_s)
    steady = generate(
        server.port, server.request, n_connections=N_CONNECTIONS, seconds=steady_s, rps=rps
    )
    before = _settled_mib(server)
    # Another process: signing and sending must not delay the thread that takes the time.
    changing = multiprocessing.get_context("fork").Process(
        target=_change_versions, args=(server, published, graph, n, every_s)
    )
    changing.start()
    load = generate(
        server.port,
        server.request,
        n_connections=N_CONNECTIONS,
        rps=rps,
        until=lambda: not changing.is_alive(),
    )
    changing.join()
    if changing.exitcode != 0:
        raise RuntimeError("versions did not change as planned; see above")
    published.n_versions += n  # the other process counted for itself
    server.wait_for(server.plan.path, published.newest)
    return Swaps(steady, load, before, _settled_mib(server))


def _change_versions(
    server: Server, published: Published, graph: bytes, n: int, every_s: float
) -> None:
    """Return after each good version was seen in a response, and each bad one had its time."""
    os.nice(19)  # who publishes is on another machine
    for number in range(n):
        next_at = time.monotonic() + every_s
        is_bad = number % 10 in BAD_OF_TEN
        version = published.promote(graph, FIELDS, is_bad=is_bad)
        while not is_bad and _serving_version(server) != version:
            if time.monotonic() > next_at + _SEEN_TIMEOUT_S:
                raise TimeoutError(f"{version} is in no response")
            time.sleep(0.05)
        time.sleep(max(0.0, next_at - time.monotonic()))


def _settled_mib(server: Server) -> int:
    """Return the least that was seen for a while: what a version took is given back after it."""
    until = time.monotonic() + _SETTLED_S
    least = server.worker_mib("VmRSS")
    while time.monotonic() < until:
        time.sleep(0.1)
        least = min(least, server.worker_mib("VmRSS"))
    return least


def _serving_version(server: Server) -> str:
    response = json.loads(post_once(server.port, server.plan.path, server.plan.body))
    return str(response["model"]["version"])

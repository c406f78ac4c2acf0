"""A list of 10,000 entries changes under load: how soon it is in effect, and what it costs.

Two scorers of two workers each follow one bucket, one poll a second. Beside a constant load, an
allow entry for the site that is asked for is added and removed in turn.
"""

import json
import multiprocessing
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench._everyday import read_reference
from bench._load import Load, generate, post_once
from bench._published import Published
from bench._serving import SCORER, Plan, Server, running
from bench._trained import promote_trained
from bench._urls import read_urls
from include.contract.lists import DecisionList, ListEntry
from include.contract.signature import load_private_key, load_public_key
from include.inference.listed import ListLookup
from include.registry.lists import ListChange, change_list, list_entry
from include.stores.objects import ObjectStore
from include.urls.reading import read_url

N_ENTRIES = 10_000
N_CHANGES = 20
POLL_S = 1.0
RPS = 100.0
N_TRAINED = 6_000
SITE, ASKED = "bench.example", "https://login.bench.example/signin"
N_LOOKED_UP, N_ROUNDS = 5_000, 9
_IN_A_ROW = 12
_TIMEOUT_S = 30.0


def main() -> None:
    """Print the figures; the last line is one JSON object."""
    urls, entries = read_urls("urls_train").urls, _entries(read_reference()[2])
    with tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        published = Published(folder)
        published.server.start()
        stack.callback(published.server.kill)
        promote_trained(published, N_TRAINED)
        _change(published, "all", add=tuple(entries))
        env = {**published.scorer_environment(), "NIGHTCATCH_PIPELINES": "urls"}
        env["NIGHTCATCH_POLL_INTERVAL_S"] = str(POLL_S)
        asked = json.dumps({"url": ASKED}).encode()
        plans = [
            Plan(
                each, SCORER, env | {"NIGHTCATCH_CACHE_DIR": str(folder / each)}, "/predict", asked
            )
            for each in ("one", "other")
        ]
        servers = stack.enter_context(running(plans, folder))
        seconds, loads = _under_load(published, servers)
    figures = {
        "list_us": round(_look_up_us(entries, urls), 2),
        "n_entries": len(entries),
        "in_effect_s_p50": round(statistics.median(seconds), 2),
        "in_effect_s_max": round(max(seconds), 2),
        "poll_s": POLL_S,
        "n_changes": len(seconds),
        "n_requests": sum(len(load.latencies_s) for load in loads),
        "failed": sum(load.failed for load in loads),
    }
    for figure, value in figures.items():
        print(f"{figure:<20}{value:>12,}")
    print(json.dumps(figures))


def _entries(names: list[str]) -> list[ListEntry]:
    """Return an entry for each of many hosts that are nobody's platform."""
    found: list[ListEntry] = []
    at = datetime.now(UTC).isoformat(timespec="seconds")
    for name in names[5_000:]:
        if len(found) == N_ENTRIES:
            break
        scope = ("host", "domain")[len(found) % 2]
        found.append(ListEntry("block", scope, name, "bench", "bench", at))  # type: ignore[arg-type]  # both are scopes
    return found


def _change(published: Published, run_id: str, **what: object) -> None:
    secrets = published.secrets
    change = ListChange(
        *("urls", "bench", datetime.now(UTC).isoformat(timespec="seconds"), "bench", run_id),
        **what,  # type: ignore[arg-type]  # entries to add or names to remove
    )
    change_list(
        ObjectStore(published.server.client(), published.server.bucket),
        change,
        load_private_key(secrets.approver_key.read_bytes()),
        (load_public_key(secrets.approver_public_key.read_bytes()),),
    )


def _under_load(published: Published, servers: list[Server]) -> tuple[list[float], list[Load]]:
    """Return the seconds from each change to its effect in all workers, and the loads beside it."""
    context = multiprocessing.get_context("fork")
    done, results = context.Event(), context.Queue()
    loaders = [
        context.Process(target=_load, args=(server, done, results), daemon=True)
        for server in servers
    ]
    for loader in loaders:
        loader.start()
    seconds = []
    for number in range(N_CHANGES):
        allows = number % 2 == 0
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = list_entry("allow", "domain", SITE, reason="bench", author="bench", added_at=at)
        what = {"add": (entry,)} if allows else {"remove": (("domain", SITE),)}
        _change(published, f"change-{number}", **what)
        started = time.monotonic()
        for server in servers:
            _wait_until_decided(server, "allow list" if allows else "model")
        seconds.append(time.monotonic() - started)
    done.set()
    loads = [results.get() for _ in loaders]
    for loader in loaders:
        loader.join()
    return seconds, loads


def _load(server: Server, done, results) -> None:  # type: ignore[no-untyped-def]  # of multiprocessing
    request = server.request
    results.put(generate(server.port, request, n_connections=4, rps=RPS, until=done.is_set))


def _wait_until_decided(server: Server, expected: str) -> None:
    """Return once many responses in a row, of all workers, are decided as expected."""
    n_in_a_row, until = 0, time.monotonic() + _TIMEOUT_S
    while n_in_a_row < _IN_A_ROW:
        if time.monotonic() > until:
            raise TimeoutError(f"a list is not in effect after {_TIMEOUT_S:g} s")
        response = json.loads(post_once(server.port, server.plan.path, server.plan.body))
        n_in_a_row = n_in_a_row + 1 if response["decided_by"] == expected else 0


def _look_up_us(entries: list[ListEntry], urls: list[str]) -> float:
    """Return the median over rounds of the microseconds that one look-up takes."""
    lookup = ListLookup(DecisionList("urls", 1, tuple(entries)))
    parsed, now_s = [read_url(url).parsed for url in urls[:N_LOOKED_UP]], time.time()
    rounds = []
    for _ in range(N_ROUNDS):
        started = time.process_time()
        for each in parsed:
            lookup.find(each, now_s)
        rounds.append((time.process_time() - started) / len(parsed))
    return statistics.median(rounds) * 1e6


if __name__ == "__main__":
    main()

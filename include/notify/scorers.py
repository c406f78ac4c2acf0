"""Read the serials that a scorer serves from its `/metrics`, which all its workers share.

urllib and not httpx, which logs the whole URL of each request.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families

from include.notify.delivery.text import why

_METRIC = "nightcatch_served_serial"
# Behind a balancer, each new connection may reach another replica.
_CONNECTIONS = 6
_TIMEOUT_S = 5.0
_MAX_BYTES = 1024 * 1024
# A scorer that is restarted is back before the last of these.
_PAUSES_S = (1.0, 4.0)


@dataclass(frozen=True)
class Served:
    """What one address serves.

    Attributes
    ----------
    serials : mapping of str to int
        The lowest serial of any worker, by pipeline.
    waiting : frozenset of str
        Pipelines that a worker follows and has no model of.
    problem : str
        Why the metrics could not be read; empty if they could.
    """

    serials: Mapping[str, int] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    problem: str = ""


def served_by(url: str, pauses_s: tuple[float, ...] = _PAUSES_S) -> Served:
    """Return what the scorer at `url` serves; retried after each pause if it does not respond."""
    served = _read(url)
    for pause_s in pauses_s:
        if not served.problem:
            break
        time.sleep(pause_s)
        served = _read(url)
    return served


def _read(url: str) -> Served:
    lowest: dict[str, int] = {}
    opener = build_opener(ProxyHandler({}))
    try:
        for _ in range(_CONNECTIONS):
            with opener.open(f"{url}/metrics", timeout=_TIMEOUT_S) as response:
                found = _serials(response.read(_MAX_BYTES).decode())
            if not found:
                return Served(problem="returns no metrics of a scorer")
            for pipeline, serial in found.items():
                lowest[pipeline] = min(lowest.get(pipeline, serial), serial)
    except HTTPError as err:
        err.close()
        return Served(problem=f"returns {err.code}")
    except (OSError, HTTPException) as err:
        return Served(problem=f"cannot be reached: {why(err)}")
    except ValueError:
        return Served(problem="returns no metrics of a scorer")
    served = {pipeline: serial for pipeline, serial in lowest.items() if serial}
    return Served(served, frozenset(lowest.keys() - served.keys()))


def _serials(text: str) -> dict[str, int]:
    samples = (
        sample
        for family in text_string_to_metric_families(text)
        if family.name == _METRIC
        for sample in family.samples
    )
    return {sample.labels["pipeline"]: int(sample.value) for sample in samples}

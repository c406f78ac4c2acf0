"""Which serials a scorer answers from, as its `/version` says; asked directly, past any proxy."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from include.notify.text import why

# A new connection each: it may reach another worker, or another replica behind a balancer.
_QUESTIONS = 12
_TIMEOUT_S = 5.0
_MAX_ANSWER_BYTES = 1024 * 1024
# A scorer that is restarted is back before the last of these.
_PAUSES_S = (1.0, 4.0)


@dataclass(frozen=True)
class Served:
    """What one address serves.

    Attributes
    ----------
    serials : mapping of str to int
        The lowest that any worker answers from, by pipeline.
    waiting : frozenset of str
        Pipelines that a worker follows and has no model of.
    problem : str
        Why it could not be asked; empty if it could.
    """

    serials: Mapping[str, int] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    problem: str = ""


def served_by(url: str, pauses_s: tuple[float, ...] = _PAUSES_S) -> Served:
    """Return what the scorer at `url` serves; it is asked again after each pause if it is away."""
    served = _asked(url)
    for pause_s in pauses_s:
        if not served.problem:
            break
        time.sleep(pause_s)
        served = _asked(url)
    return served


def _asked(url: str) -> Served:
    serials: dict[str, int] = {}
    waiting: set[str] = set()
    try:
        for _ in range(_QUESTIONS):
            with build_opener(ProxyHandler({})).open(f"{url}/version", timeout=_TIMEOUT_S) as said:
                answer = json.loads(said.read(_MAX_ANSWER_BYTES))
            for model in answer["models"]:
                known = serials.get(model["pipeline"], model["serial"])
                serials[model["pipeline"]] = min(known, model["serial"])
            waiting.update(answer["waiting"])
    except HTTPError as err:
        err.close()
        return Served(problem=f"answers {err.code}")
    except (OSError, HTTPException) as err:
        return Served(problem=f"cannot be reached: {why(err)}")
    except (ValueError, KeyError, TypeError):
        return Served(problem="answers as no scorer does")
    return Served(serials, frozenset(waiting))

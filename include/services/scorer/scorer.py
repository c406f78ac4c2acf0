"""What a route needs: the models in force, the limits, the counters and the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import current_app

from include.services.scorer.access import Access
from include.services.scorer.catalogue import Catalogue
from include.services.scorer.metrics import Metrics
from include.services.scorer.settings import Limits

EXTENSION = "nightcatch"


@dataclass(frozen=True)
class Scorer:
    """What the application was built of.

    Attributes
    ----------
    catalogue : Catalogue
    metrics : Metrics
    limits : Limits
    build : str
        Commit of the code.
    now : callable
        The time, aware and in UTC.
    access : Access
        What is asked of a client.
    """

    catalogue: Catalogue
    metrics: Metrics
    limits: Limits
    build: str
    now: Callable[[], datetime]
    access: Access = field(default_factory=Access)


def current_scorer() -> Scorer:
    """Return the `Scorer` of the application that handles this request."""
    return cast(Scorer, current_app.extensions[EXTENSION])

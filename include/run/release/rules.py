"""The limits of a release; each rule states how often it is wrong, over all looks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from include.evaluation.sequential import log_evidence, ratio_at_least
from include.run.release.limits import ReleaseLimits

N_RULES = 3


class Alerts(NamedTuple):
    """Of how many sites two versions raise an alert.

    Attributes
    ----------
    both, new, gone : int
        Both versions, only the new one, and only the one before.
    """

    both: int = 0
    new: int = 0
    gone: int = 0

    def __str__(self) -> str:
        return f"{self.both + self.new} in place of {self.both + self.gone}"


def broken_limits(
    all_sites: Alerts, legitimate: Alerts, limits: ReleaseLimits, labels: Sequence[bool] = ()
) -> tuple[str, ...]:
    """Return a sentence for each limit that a release is shown to be beyond.

    Parameters
    ----------
    all_sites, legitimate : Alerts
        On what the models decide, and on what people knew to be legitimate before the approval.
    limits : ReleaseLimits
    labels : sequence of bool
        Of fairly drawn sites on which they differ: whether the new version is right.
    """
    error, found = limits.error_rate / N_RULES, []
    shown = -math.log(error)
    if log_evidence(*all_sites, limits.max_alert_ratio) >= shown:
        ratio = ratio_at_least(*all_sites, error)
        found.append(
            f"it raises at least {ratio:.2g} times the alerts of the version before on the same "
            f"sites ({all_sites}), and {limits.max_alert_ratio:g} times are allowed"
        )
    if log_evidence(*legitimate) >= shown:
        found.append(
            "it flags more of the sites that people allowed or reviewed as legitimate than the "
            f"version before ({legitimate})"
        )
    right = sum(labels)
    if log_evidence(0, len(labels) - right, right) >= shown:
        found.append(
            f"of {len(labels)} sites on which the versions differ, drawn at random and "
            f"labelled by people, it is right on {right}"
        )
    return tuple(found)

"""The limits of a release; each rule states how often it is wrong, over all looks."""

import math
from typing import NamedTuple

from include.evaluation.sequential import log_evidence, ratio_at_least
from include.run.release.limits import ReleaseLimits

N_RULES = 2


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


def broken_limits(all_sites: Alerts, legitimate: Alerts, limits: ReleaseLimits) -> tuple[str, ...]:
    """Return a sentence for each limit that a release is shown to be beyond.

    Parameters
    ----------
    all_sites, legitimate : Alerts
        On what the models decide, and on what people knew to be legitimate before the approval.
    limits : ReleaseLimits
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
    return tuple(found)

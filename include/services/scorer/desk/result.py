"""What a page shows of one response, in words; the same now and when its link is opened later."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from json import dumps
from math import exp
from typing import Any

from include.contract.lists import ListEntry
from include.contract.verdicts import LEGITIMATE, PHISHING, SUSPICIOUS, DecidedBy, Thresholds
from include.inference.prediction_ids import responded_at
from include.urls.defang import defang
from include.urls.embedded import embedded_url
from include.urls.reading import UrlReading, read_url
from include.urls.segments import Segment, segments_of, shown_host

_LEAST_SHOWN = 0.005  # log-odds
_MOST_FOLD = 1000.0
_BAR = 100.0
_DECIDED = {
    DecidedBy.ALLOW_LIST.value: "decided by the allow list",
    DecidedBy.BLOCK_LIST.value: "decided by the block list",
    DecidedBy.LOCAL_ADDRESS.value: "decided by the rule for local addresses",
    DecidedBy.EMBEDDED_URL.value: "decided by the URL that it hands on",
}
_LOCAL = "It leads to one's own machine or network: no site on the internet can be behind it."


@dataclass(frozen=True)
class Reason:
    """What one input, or one part of a URL, does to the score.

    Attributes
    ----------
    sentence : str
    contribution : float
        In log-odds; above zero it speaks for phishing.
    width : float
        Of its bar: 100 for the strongest reason.
    """

    sentence: str
    contribution: float
    width: float


@dataclass(frozen=True)
class Result:
    """A response to one item, and what its version says of verdicts.

    Attributes
    ----------
    response : dict
        As ``/explain`` returns it.
    thresholds : Thresholds
    budget : float
        Share of legitimate records that the block threshold was set for.
    entry : ListEntry or None
        The one of a list that decided.
    """

    response: dict[str, Any]
    thresholds: Thresholds
    budget: float
    entry: ListEntry | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, members: dict[str, Any]) -> "Result":
        """Return the result that `to_dict` was called of."""
        entry = members["entry"]
        return cls(
            members["response"],
            Thresholds(**members["thresholds"]),
            members["budget"],
            ListEntry(**entry) if entry else None,
        )

    @property
    def prediction(self) -> str:
        """The verdict."""
        return str(self.response["prediction"])

    @property
    def at(self) -> datetime:
        """When it was scored."""
        return responded_at(self.response["id"])

    @property
    def summary(self) -> str:
        """How sure the verdict is."""
        sure = percent(self.response["confidence"])
        if not self._is_by_model:
            return _DECIDED[self.response["decided_by"]]
        if self.prediction == LEGITIMATE:
            return f"{sure} likely to be legitimate"
        return f"{sure} likely to be phishing"

    @property
    def meaning(self) -> str:
        """What the probability means, by the thresholds of the version."""
        block, review = limit(self.thresholds.block), limit(self.thresholds.review)
        probability = percent(self.response["probability"])
        if not self._is_by_model:
            return f"The model's probability of phishing, {probability}, did not decide."
        if self.prediction == PHISHING:
            return (
                f"The probability of phishing is {probability}. From {block} on it is called"
                f" Phishing, a threshold set for false alarms on {100 * self.budget:g} % of"
                " legitimate records."
            )
        if self.prediction == SUSPICIOUS:
            return (
                f"The probability of phishing is {probability}: at least {review}, from which on it"
                f" is Suspicious, and below {block}, from which on it is Phishing. Have a person"
                " look at it."
            )
        suspicious = f"Suspicious from {review} on, " if review != block else ""
        return (
            f"The probability of phishing is {probability}. It would be called {suspicious}"
            f"Phishing from {block} on."
        )

    @property
    def decision(self) -> str:
        """Why a list or a rule decided; empty where the model did."""
        if self.response["decided_by"] == DecidedBy.LOCAL_ADDRESS:
            return _LOCAL
        if self.response["decided_by"] == DecidedBy.EMBEDDED_URL:
            inner = embedded_url(self.response["scored_url"])
            return (
                f"It hands on {defang(inner)}, another site, which by itself is called Phishing or"
                " is blocked. Where this site forwards its visitors, they arrive there."
            )
        if self.entry is None:
            return ""
        verb = "allows" if self.entry.action == "allow" else "blocks"
        since = self.entry.added_at[:10]
        return (
            f"{self.entry.author} {verb} the {self.entry.scope} {self.entry.value} since {since}:"
            f" {self.entry.reason}"
        )

    @property
    def is_url(self) -> bool:
        """Whether a URL was scored, and not a record."""
        return "scored_url" in self.response

    @property
    def segments(self) -> list[Segment]:
        """The URL that was scored, in pieces."""
        return segments_of(self._reading.parsed)

    @property
    def defanged(self) -> str:
        """The URL that was scored, so that nobody opens it by a click."""
        return defang(self._reading.url)

    @property
    def seen_as(self) -> str:
        """The host in the letters a reader sees, where they are not Latin."""
        return shown_host(self._reading.parsed)

    @property
    def is_read(self) -> bool:
        """Whether the URL scored is not the text that was sent."""
        return bool(self.response["url"] != self.response["scored_url"])

    @property
    def unwrapped(self) -> str:
        """The services out of whose links the URL was taken."""
        return ", then of ".join(self.response.get("unwrapped", ()))

    @property
    def json(self) -> str:
        """The response, for people and for other programs."""
        return dumps(self.response, indent=1, ensure_ascii=False)

    @property
    def known(self) -> list[str]:
        """What is known of the domain."""
        return list(self.response["explanation"]["known"])

    @property
    def without(self) -> str:
        """The probability of what the reasons are compared with."""
        base: float = self.response["explanation"]["base"]
        return percent(1 / (1 + exp(-base)))

    @cached_property
    def reasons(self) -> list[Reason]:
        """What moved the score, the strongest first."""
        entries = self.response["explanation"]["contributions"]
        moved = [each for each in entries if abs(each["contribution"]) >= _LEAST_SHOWN]
        strongest = max((abs(each["contribution"]) for each in moved), default=1.0)
        return [
            Reason(
                _sentence(each, self.is_url),
                each["contribution"],
                max(_BAR * abs(each["contribution"]) / strongest, 1.0),
            )
            for each in moved
        ]

    @cached_property
    def _reading(self) -> UrlReading:
        return read_url(self.response["scored_url"])

    @property
    def _is_by_model(self) -> bool:
        return bool(self.response["decided_by"] == DecidedBy.MODEL)


def percent(share: float) -> str:
    """Return a share for people; only none and all of it are 0.0 % and 100.0 %."""
    shown = f"{100 * share:.1f}"
    if share > 0 and shown == "0.0":
        return "below 0.1 %"
    return "above 99.9 %" if share < 1 and shown == "100.0" else f"{shown} %"


def limit(share: float) -> str:
    """Return a threshold for people."""
    return f"{100 * min(share, 1.0):.4g} %"


def _sentence(entry: dict[str, Any], is_url: bool) -> str:
    subject = entry["subject"].partition(";")[0]
    named = f"{subject[:1].upper()}{subject[1:]}"
    what = f"{named}, “{entry['meaning']}”," if is_url else f"{named} ({entry['meaning']}):"
    fold = exp(abs(entry["contribution"]))
    times = f"{fold:.0f}" if fold >= 10 else f"{fold:.2g}"
    if fold > _MOST_FOLD:
        times = f"more than {_MOST_FOLD:,.0f}"
    verb = "raises" if entry["contribution"] > 0 else "lowers"
    return f"{what} {verb} the odds of phishing {times}-fold."

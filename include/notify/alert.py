"""An alert: its cause, a link to details, and the paragraph of the runbook."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from include.notify.kinds import Cause


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes
    ----------
    id : str
        Equal for the same alert sent twice.
    kind : str
    title, sentence, link : str
    runbook : str
        Address of the kind's paragraph.
    at : str
        ISO 8601 in UTC.
    """

    id: str
    kind: str
    title: str
    sentence: str
    link: str
    runbook: str
    at: str

    def to_json(self) -> bytes:
        """Return the bytes that `parse_alert` reads."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def runbook_of(runbook_url: str, title: str) -> str:
    """Return the address of the paragraph for alerts of a title."""
    return f"{runbook_url}#{title.lower().replace(' ', '-')}"


def parse_alert(body: bytes) -> Alert:
    """Return the alert that `Alert.to_json` wrote."""
    return Alert(**json.loads(body))


def alert_of(cause: Cause, occasion: str, runbook_url: str, at: datetime) -> Alert:
    """Return the alert of a cause.

    Parameters
    ----------
    cause : Cause
    occasion : str
        Distinguishes this cause from the next one of its kind, such as the run.
    runbook_url : str
        Address of docs/runbook.md; each kind has a heading there.
    at : datetime
        Aware.
    """
    return Alert(
        id=f"{cause.kind}.{cause.about}.{occasion}",
        kind=cause.kind,
        title=f"{cause.title}: {cause.about}",
        sentence=cause.sentence,
        link=cause.link,
        runbook=runbook_of(runbook_url, cause.title),
        at=at.isoformat(timespec="seconds"),
    )

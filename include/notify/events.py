"""CloudEvents 1.0 of decisions about versions, in structured JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and its JSON format and HTTP
binding: one POST of ``application/cloudevents+json`` for each event.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include.contract import keys
from include.contract.pointer import Pointer
from include.notify.delivery.post import post
from include.notify.delivery.receivers import TIMEOUT_S
from include.notify.delivery.timeout import within

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
Decision = Literal["promoted", "rejected", "rolled_back"]


@dataclass(frozen=True)
class Event:
    """One decision about a version.

    Attributes
    ----------
    id : str
        Equal for the same decision sent twice; unique together with `source`.
    source : str
        The folder of the pipeline's versions, as a URI.
    type : str
        ``com.nightcatch.model.promoted``, ``.rejected`` or ``.rolled_back``.
    subject : str
        The version.
    time : str
        When it was decided: RFC 3339.
    data : mapping
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Mapping[str, Any]

    def to_json(self) -> bytes:
        """Return the event in the JSON event format."""
        document = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": dict(self.data),
        }
        return json.dumps(document, indent=1).encode()


def parse_event(body: bytes) -> Event:
    """Return the event that `Event.to_json` wrote."""
    found = json.loads(body)
    names = ("id", "source", "type", "subject", "time", "data")
    return Event(**{name: found[name] for name in names})


def decision_event(bucket: str, pointer: Pointer, previous: Pointer | None) -> Event:
    """Return the event of an approval or a rollback.

    Parameters
    ----------
    bucket : str
    pointer : Pointer
        The approval.
    previous : Pointer or None
        The production pointer before; if its version is newer, the decision is a rollback.
    """
    decision: Decision = "promoted"
    if previous is not None and pointer.version < previous.version:
        decision = "rolled_back"
    return Event(
        id=f"{decision}-{pointer.serial}-{pointer.version}",
        source=_source(bucket, pointer.pipeline),
        type=f"com.nightcatch.model.{decision}",
        subject=pointer.version,
        time=pointer.approved_at,
        data={
            "pipeline": pointer.pipeline,
            "version": pointer.version,
            "serial": pointer.serial,
            "previous_version": previous.version if previous else None,
            "manifest_sha256": pointer.manifest_sha256,
            "approved_by": pointer.decided_by,
            "reason": pointer.reason,
            "run_id": pointer.run_id,
        },
    )


def rejection_event(
    bucket: str, pipeline: str, version: str, run_id: str, reasons: list[str], time: str
) -> Event:
    """Return the event of a version that the gate or a person rejected."""
    return Event(
        id=f"rejected-{version}",
        source=_source(bucket, pipeline),
        type="com.nightcatch.model.rejected",
        subject=version,
        time=time,
        data={"pipeline": pipeline, "version": version, "reasons": reasons, "run_id": run_id},
    )


class EventReceiver:
    """A receiver of events by HTTP.

    Parameters
    ----------
    url : str
        May contain a secret.
    timeout_s : float
    """

    name = "events"

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def parse(self, body: bytes) -> Event:
        """Return the event."""
        return parse_event(body)

    def send(self, message: Event) -> None:
        """Post the event."""
        headers = {"Content-Type": MEDIA_TYPE}
        body = message.to_json()
        within(self._timeout_s, lambda: post(self._url, body, headers, self._timeout_s))


def _source(bucket: str, pipeline: str) -> str:
    return f"s3://{bucket}/{keys.versions_prefix(pipeline)}"

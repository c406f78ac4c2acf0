"""`POST /v4/threatMatches:find`: verdicts in the form of Google's Safe Browsing Lookup API, v4.

Programs that ask Google about URLs ask a scorer by another address and key; limits, lists, counters
and traffic log are those of `POST /predict`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from include.contract.verdicts import PHISHING
from include.errors import RequestRejectedError
from include.inference.record_schema import Fault
from include.services.scorer.api.problems import problem
from include.services.scorer.api.request_parser import (
    PredictRequest,
    parse_items,
    parse_json,
    require_json,
)
from include.services.scorer.api.schemas import LOOKUP_ENTRY, LOOKUP_THREAT
from include.services.scorer.api.scoring import predict, serialise
from include.services.scorer.auth.access import LOOKUP, charge
from include.services.scorer.serving.state import Scorer, current_scorer

blueprint = Blueprint("threat_matches", __name__)
_CACHE_DURATION = "300s"  # so late a client notices that somebody allowed the URL


@blueprint.post(LOOKUP)
def find() -> ResponseReturnValue:
    """Return the URLs whose verdict is Phishing; a suspicious one is no match."""
    require_json()
    scorer = current_scorer()
    info = _threat_info(parse_json(request.get_data(cache=False)))
    threats, entry_types, platforms = (
        _names(info, name) for name in ("threatTypes", "threatEntryTypes", "platformTypes")
    )
    entries = parse_items("threatEntries", info.get("threatEntries"), scorer.limits)
    if LOOKUP_THREAT not in threats or LOOKUP_ENTRY not in entry_types:
        return Response("{}", content_type="application/json")
    try:
        found = _matches(scorer, [_url_of(entry) for entry in entries], platforms[0])
    except RequestRejectedError as err:
        # The module of errors imports nothing, and so cannot name the type.
        return problem(422, str(err), list(map(_describe, cast(Sequence[Fault], err.faults))))
    charge(request.environ, len(entries))
    return Response(serialise(found), content_type="application/json")


def _matches(scorer: Scorer, urls: Sequence[object], platform: str) -> dict[str, Any]:
    scored = predict(scorer, PredictRequest("urls", urls, None), explained=False)["predictions"]
    matches = [
        {
            "threatType": LOOKUP_THREAT,
            "platformType": platform,
            "threatEntryType": LOOKUP_ENTRY,
            "threat": {"url": each["url"]},
            "cacheDuration": _CACHE_DURATION,
        }
        for each in scored
        if each["prediction"] == PHISHING
    ]
    return {"matches": matches} if matches else {}


def _threat_info(document: object) -> Mapping[str, object]:
    info = document.get("threatInfo") if isinstance(document, dict) else None
    if not isinstance(info, dict):
        raise RequestRejectedError("the body is not an object with the object 'threatInfo'")
    return info


def _names(info: Mapping[str, object], member: str) -> list[str]:
    names = info.get(member)
    if not (isinstance(names, list) and names and all(isinstance(each, str) for each in names)):
        raise RequestRejectedError(f"threatInfo.{member} is not a list of names")
    return names


def _url_of(entry: object) -> object:
    return entry.get("url") if isinstance(entry, dict) else None


def _describe(fault: Fault) -> dict[str, str]:
    pointer = f"#/threatInfo/threatEntries/{fault.row}/url"
    return {"pointer": pointer, "field": "url", "rule": fault.rule, "detail": fault.detail}

"""`POST /v4/threatMatches:find`: what a client of Google's Lookup API sends, and reads."""

import json
from dataclasses import dataclass

import pytest

from include.contract.lists import DecisionList
from include.contract.verdicts import Thresholds
from include.inference.listed import ListLookup
from include.registry.lists import list_entry
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from tests.support.api_keys import write_keys
from tests.support.onnx_graphs import text_classifier
from tests.support.scorer_app import TEXT, app_of, following

PATH = "/v4/threatMatches:find"
BAD, GOOD, LISTED = "http://bad.example/login", "https://good.example/", "https://listed.example/"
# As pysafebrowsing 0.1.4 sends it.
THREATS = ("MALWARE", "SOCIAL_ENGINEERING", "THREAT_TYPE_UNSPECIFIED", "UNWANTED_SOFTWARE")


@dataclass
class Followed:
    """Stands where a ListFollower stands."""

    current: ListLookup | None = None


class Service:
    """The application with a key, a log and a list, and a client of the look-up."""

    def __init__(self, folder, **changes):
        self.lines, self.notes, self.sites = [], [], Followed()
        access = Access(
            ApiKeys(write_keys(folder / "keys", ann="good")), write_log=self.lines.append
        )
        self.client = app_of(
            {"urls": following("urls", text_classifier(), **TEXT, **changes)},
            access=access,
            note=self.notes.append,
            lists={"urls": self.sites},
        ).test_client()

    def post(self, *urls, query="?key=good", threats=THREATS, headers=(), **info):
        entries = [{"url": url} for url in urls]
        info = {
            "threatTypes": list(threats),
            "platformTypes": ["ANY_PLATFORM"],
            "threatEntryTypes": ["URL"],
            "threatEntries": entries,
            **info,
        }
        body = {"client": {"clientId": "a", "clientVersion": "1"}, "threatInfo": info}
        return self.client.post(PATH + query, json=body, headers=dict(headers))

    def found(self, *urls, **info):
        response = self.post(*urls, **info)
        assert response.status_code == 200
        return [match["threat"]["url"] for match in response.json.get("matches", [])]


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def test_a_phishing_url_matches_as_it_was_sent(service):
    defanged = "hxxp://bad[.]example/login"
    response = service.post(GOOD, defanged, platformTypes=["WINDOWS"])

    assert response.json == {
        "matches": [
            {
                "threatType": "SOCIAL_ENGINEERING",
                "platformType": "WINDOWS",
                "threatEntryType": "URL",
                "threat": {"url": defanged},
                "cacheDuration": "300s",
            }
        ]
    }
    assert len(service.notes[0].items) == 2  # logged as every prediction is


def test_without_a_match_the_response_is_an_empty_object(service):
    assert service.post(GOOD).json == {}


def test_a_suspicious_url_is_no_match(tmp_path):
    service = Service(tmp_path, thresholds=Thresholds(0.95, 0.5))

    assert service.found(BAD) == []


def test_lists_decide_as_they_do_elsewhere(service):
    made = [
        list_entry(
            action, "host", host, reason="a test", author="ann", added_at="2026-11-21T00:00:00Z"
        )
        for action, host in (("allow", "bad.example"), ("block", "listed.example"))
    ]
    service.sites.current = ListLookup(DecisionList("urls", 1, tuple(made)))

    assert service.found(BAD, LISTED) == [LISTED]


@pytest.mark.parametrize("info", [{"threats": ["MALWARE"]}, {"threatEntryTypes": ["EXECUTABLE"]}])
def test_other_threats_are_never_found_and_nothing_is_scored_for_them(service, info):
    assert service.found(BAD, **info) == []
    assert service.notes == []


def test_the_key_may_stand_in_the_query_and_is_in_no_log(service):
    assert service.post(BAD, query="", headers={"X-API-Key": "good"}).status_code == 200
    assert service.post(BAD).status_code == 200
    assert service.client.post("/predict?key=good", json={"url": BAD}).status_code == 401
    refused = service.post(BAD, query="?key=bad")

    assert refused.status_code == 401
    assert refused.json["error"]["status"] == "UNAUTHENTICATED"
    assert [json.loads(line)["client"] for line in service.lines] == ["ann", "ann", None, None]
    assert b"key" not in b"".join(service.lines)


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({"threatEntries": []}, "threatEntries"),
        ({"threatTypes": "MALWARE"}, "threatTypes"),
        ({"threatEntryTypes": []}, "threatEntryTypes"),
        ({"platformTypes": [1]}, "platformTypes"),
    ],
)
def test_a_member_that_breaks_a_rule_is_named(service, info, named):
    response = service.post(**info)

    assert response.status_code == 422
    assert named in response.json["detail"]
    assert response.json["error"] == {
        "code": 422,
        "message": response.json["detail"],
        "status": "INVALID_ARGUMENT",
    }


@pytest.mark.parametrize("entry", [{"url": "javascript:x"}, {"hash": "abc"}, "text"])
def test_an_entry_that_is_no_url_is_pointed_at(service, entry):
    response = service.post(threatEntries=[{"url": GOOD}, entry])

    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "#/threatInfo/threatEntries/1/url"

#!/usr/bin/env python3
"""Cortex analyzer: NightCatch's verdict on a URL, domain or host name.

Copy the folder beside Cortex's other analyzers; it needs `cortexutils` and `requests`.
"""

import requests
from cortexutils.analyzer import Analyzer

_LEVELS = {"Phishing": "malicious", "Suspicious": "suspicious", "Legitimate": "safe"}
_TIMEOUT_S = 10


class NightCatch(Analyzer):
    """Asks a scorer about one observable."""

    def run(self):
        """Report the scorer's response."""
        address = self.get_param("config.url", None, "config.url is not set").rstrip("/")
        key = self.get_param("config.api_key")
        try:
            response = requests.post(
                f"{address}/explain",
                json={"url": self.get_data()},
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=_TIMEOUT_S,
            )
            found = response.json()
        except (requests.RequestException, ValueError) as err:
            self.error(f"the scorer gave no response: {type(err).__name__}")
        if response.status_code != requests.codes.ok:
            self.error(f"the scorer refused it: {found.get('detail', response.status_code)}")
        self.report(found)

    def summary(self, raw):
        """Return what the list of observables shows."""
        level = _LEVELS[raw["prediction"]]
        value = f"{raw['prediction']} {raw['probability']:.2f}"
        return {"taxonomies": [self.build_taxonomy(level, "NightCatch", "Verdict", value)]}

    def artifacts(self, raw):
        """Return no observables: what Cortex would extract is the id of the response."""
        return []


if __name__ == "__main__":
    NightCatch().run()

"""How feeds do, for Prometheus: `GET /feed-metrics/` of the Airflow API server.

Prometheus cannot log in to Airflow, so it sends the token of `NIGHTCATCH_METRICS_TOKEN`; without
that variable everybody is refused. The figures are those of Labels, Feeds: counts and times.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import lazy_app

if TYPE_CHECKING:
    from fastapi import FastAPI

URL_PREFIX = "/feed-metrics"


@cache
def token_app() -> "FastAPI":
    """Return the app, for whoever has the token."""
    from include import pipelines
    from include.web.feed_metrics import feed_metrics_app
    from plugins.labels import open_database

    token = os.environ.get("NIGHTCATCH_METRICS_TOKEN", "").strip()
    return feed_metrics_app(
        token,
        open_database,
        lambda: {name: pipelines.get(name).feeds for name in pipelines.names()},
    )


class FeedMetricsPlugin(AirflowPlugin):
    """A page for Prometheus, with no place in the navigation."""

    name = "feed_metrics"
    fastapi_apps = [{"app": lazy_app(token_app), "url_prefix": URL_PREFIX, "name": "Feed metrics"}]  # noqa: RUF012

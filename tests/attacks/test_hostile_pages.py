"""Attacker: whoever can write to the bucket. Aim: approve a model in the name of a logged-in user.

A page of the bucket is shown inside the Airflow UI. Its script tries every way that a browser has
to call Airflow's API with the session of the person who looks at it.
"""

import json
import secrets
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import pymongo
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from include.contract import keys
from include.contract.manifest import describe_file
from include.notify.alert import Alert
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.status.figures import Schedule
from include.status.page import HomeWiring, home_app
from include.status.sources import Sources
from include.stores.objects import ObjectStore
from include.validation.data_docs.serve import docs_app
from include.web.models import Wiring, models_app
from tests.support.signed_versions import Signer, Version, version_name
from tests.support.web_pages import serving

VERSION = version_name(1)
RUN = "docs/sites/manual__1"
API = "/api/v2/dags/approve_model/dagRuns"
UI = """<!DOCTYPE html><html lang="en"><title>Airflow</title>
<iframe id="view" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"></iframe>
<script>window.SESSION = 'session'</script></html>"""
ATTACK = f"""<!DOCTYPE html><title>hostile</title><h1>hostile</h1>
<form id="f" method="post" action="{API}?by=form"><input name="x" value="1"></form>
<img src="{API}?by=img"><iframe src="{API}?by=iframe"></iframe>
<script>
const call = (by, headers) => fetch('{API}?by=' + by, {{
  method: 'POST', credentials: 'include', headers, body: '{{}}'}}).catch(() => 0);
const attempt = async (what) => {{ try {{ await what() }} catch (error) {{ }} }};
(async () => {{
  await attempt(() => call('fetch', {{'Content-Type': 'application/json'}}));
  await attempt(() => fetch('{API}?by=no-cors', {{
    method: 'POST', mode: 'no-cors', credentials: 'include', body: '{{}}'}}));
  await attempt(() => call('cookie', {{
    Authorization: 'Bearer ' + /_token=([^;]+)/.exec(document.cookie)[1]}}));
  await attempt(() => call('parent', {{Authorization: 'Bearer ' + top.SESSION}}));
  await attempt(() => top.eval("fetch('{API}?by=eval', {{method: 'POST'}})"));
  await attempt(() => navigator.sendBeacon('{API}?by=beacon', '{{}}'));
  await attempt(() => {{
    const request = new XMLHttpRequest();
    request.open('POST', '{API}?by=xhr', false);
    request.withCredentials = true;
    request.send('{{}}');
  }});
  for (const open of ['{API}?by=message',
                      'javascript:fetch("{API}?by=javascript",{{method:"POST"}})',
                      '/data-docs/../api/v2/dags/approve_model/dagRuns?by=path'])
    for (const target of [parent, top])
      await attempt(() => target.postMessage({{open: new URL(open, location.href).href}}, '*'));
  await attempt(() => {{ window.open('{API}?by=window') }});
  if (top !== self) await attempt(() => {{ top.location = '{API}?by=top' }});
  await attempt(() => document.getElementById('f').submit());
  await attempt(() => {{
    const frame = document.createElement('iframe');
    frame.srcdoc = "<script>fetch('{API}?by=srcdoc', {{method: 'POST'}})<\\/script>";
    document.body.append(frame);
  }});
  document.title = 'tried';
  // A navigation of its own frame is the one thing that it may do: without a session.
  setTimeout(() => {{ location = '{API}?by=itself' }}, 500);
}})();
</script>"""


@dataclass
class Airflow:
    """An API that knows its users by Airflow's cookie or token, and the calls that it accepted."""

    address: str
    store: ObjectStore
    accepted: list[str]
    navigated: Queue[str]

    def by_pages_of_the_bucket(self):
        return [by for by in self.accepted if not by.startswith("unprotected-")]


def make_airflow(store, trusted, accepted, navigated):
    def logged_in(request: Request):
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if "session" not in (request.cookies.get("_token"), bearer):
            raise HTTPException(401)

    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next):
        answer = await call_next(request)
        is_form = "form" in request.headers.get("Content-Type", "")
        if is_form or request.query_params.get("by", "").endswith("itself"):
            navigated.put("the last attempt")
        return answer

    @app.get("/ui")
    def user_interface():
        page = HTMLResponse(UI)
        # Readable by scripts as in some of Airflow's auth managers: the sandbox must not need more.
        page.set_cookie("_token", "session", samesite="lax")
        return page

    @app.api_route(API, methods=["GET", "POST"], dependencies=[Depends(logged_in)])
    def trigger(request: Request):
        if request.method == "POST":  # reading, as any link can make a browser do, starts no run
            accepted.append(request.query_params["by"])
        return {"dag_run_id": "manual__1"}

    @app.get("/unprotected")
    def unprotected():
        return HTMLResponse(ATTACK.replace("?by=", "?by=unprotected-"))

    wiring = Wiring(
        store=lambda: store,
        trusted_keys=lambda: trusted,
        pipelines={"sites": "sites"},
        waiting=lambda pipeline: {},
        today=lambda pipeline: None,
        runs=lambda pipeline: "",
    )
    app.mount("/data-docs", docs_app(lambda: store, [Depends(logged_in)]))
    app.mount("/models", models_app(wiring, [Depends(logged_in)]))
    home = HomeWiring(lambda names: sources_of(store, trusted))
    app.mount("/home", home_app(home, [Depends(logged_in)], lambda: ["sites"]))
    return app


def sources_of(store, trusted):
    return Sources(
        pipelines=("sites",),
        servers=list,
        store=lambda: store,
        trusted_keys=lambda: trusted,
        database=lambda: nullcontext(pymongo.MongoClient(serverSelectionTimeoutMS=1).nothing),
        schedule=lambda name: Schedule(None, "", True, {}),
        paused=list,
        scorer_urls=(),
        max_model_age_days=7.0,
        disk_dir=Path("/"),
    )


@pytest.fixture(scope="module")
def airflow(s3, tmp_path_factory):
    name, signer = f"hostile-{secrets.token_hex(4)}", Signer.new(tmp_path_factory.mktemp("k"), "a")
    client = s3.client()
    client.create_bucket(Bucket=name)
    store, attack = ObjectStore(client, name), ATTACK.encode()
    for key in ("index.html", "quarantine.html", "x.svg", "x.js", "source/pages/x.json"):
        store.put(f"{RUN}/{key}", attack, "text/html")
    store.put("docs/vendor/nightcatch/docs.js", attack, "text/javascript")
    store.put(keys.monitoring_report("sites", "2026-11-21"), attack, "text/html")
    files = {"model.onnx": b"graph", keys.REPORT: attack}
    manifest = Version(VERSION).manifest(
        files={file: describe_file(body) for file, body in files.items()},
        metrics={"test": {"accuracy": 0.951}},
        model={"family": "LogisticRegression", "params": {}, "run_id": "run"},
    )
    publish_version(store, manifest, files, signing_key=signer.path, trusted=signer.trusted)
    accepted, navigated = [], Queue()
    trusted = TrustedKeys(signer.trusted, signer.trusted, 50_000_000)
    with serving(make_airflow(store, trusted, accepted, navigated)) as address:
        yield Airflow(address, store, accepted, navigated)


def look_at(airflow, chromium, path):
    """Show a page inside the UI to a logged-in user."""
    airflow.accepted.clear()
    chromium.open(f"{airflow.address}/ui")
    chromium.run(f"document.getElementById('view').src = {path!r}")


def test_the_attack_succeeds_where_a_page_is_not_sandboxed(airflow, chromium):
    look_at(airflow, chromium, "/unprotected")
    airflow.navigated.get(timeout=120)

    ways = {"fetch", "no-cors", "cookie", "parent", "xhr", "form"}
    assert {f"unprotected-{way}" for way in ways} <= set(airflow.accepted)


@pytest.mark.parametrize("path", ["show/sites/manual__1/index.html", "sites/manual__1/index.html"])
def test_a_script_of_data_docs_cannot_approve_a_model(airflow, chromium, path):
    look_at(airflow, chromium, f"/data-docs/{path}")
    airflow.navigated.get(timeout=120)  # the script ran to its last attempt

    assert airflow.by_pages_of_the_bucket() == []


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/data-docs/sites/manual__1/x.svg", id="picture"),
        pytest.param("/data-docs/sites/manual__1/x.js", id="script"),
        pytest.param("/data-docs/sites/manual__1/source/pages/x.json", id="json"),
        pytest.param(f"/models/sites/{VERSION}/report.html", id="report"),
        pytest.param(f"/models/sites/{VERSION}", id="report-inside-the-models-page"),
        pytest.param("/models/sites/traffic/2026-11-21", id="traffic"),
        pytest.param("/data-docs/", id="list"),
    ],
)
def test_other_pages_run_no_script_of_the_bucket(airflow, chromium, path):
    look_at(airflow, chromium, path)
    chromium.page.wait_for_load_state("networkidle")

    assert airflow.by_pages_of_the_bucket() == []


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f"javascript:fetch('{API}?by=link',{{method:'POST'}})", id="script"),
        pytest.param("data:text/html,<script>alert(1)</script>", id="data"),
        pytest.param("https://hostile.example/log-in", id="elsewhere"),
        pytest.param("//hostile.example/log-in", id="elsewhere-without-scheme"),
        pytest.param("/\\hostile.example/log-in", id="elsewhere-by-backslash"),
    ],
)
def test_a_link_of_an_alert_leads_to_airflow_only(airflow, chromium, link):
    alert = Alert("a", "run_failed", "Run failed", "a run", link, link + "http", "2026-11-21")
    found = {"since": "2026-11-21T02:00:00+00:00", "sent_at": "", "last": vars(alert)}
    airflow.store.put(keys.open_alerts(), json.dumps({"a": found}).encode())
    look_at(airflow, chromium, "/home/")
    frame = chromium.page.frame_locator("#view")
    frame.get_by_text("a run").wait_for()
    links = frame.locator("#alerts ~ p a")
    hrefs = links.evaluate_all("(all) => all.map((each) => each.href)")
    if links.count():
        links.first.click()

    assert [href for href in hrefs if not href.startswith(f"{airflow.address}/")] == []
    assert airflow.by_pages_of_the_bucket() == []


def test_nor_does_it_when_it_is_opened_in_a_tab_of_its_own(airflow, chromium):
    chromium.open(f"{airflow.address}/ui")
    airflow.accepted.clear()
    chromium.run("location.href = '/data-docs/sites/manual__1/index.html'; 0")
    airflow.navigated.get(timeout=120)

    assert airflow.by_pages_of_the_bucket() == []


def test_no_asset_comes_from_the_bucket(airflow, chromium):
    answer: Response = chromium.page.request.get(
        f"{airflow.address}/data-docs/vendor/nightcatch/docs.js"
    )

    assert "hostile" not in answer.text()

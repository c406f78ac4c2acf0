"""Data Docs from a real S3 server into a real browser, and validations that run at once."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from include.contract import keys
from include.stores.objects import ObjectStore
from include.validation.data_docs.build import fetch_source, publish_docs
from include.validation.data_docs.serve import docs_app
from include.validation.drift import measure_drift
from tests.support.validation import RUN_ID, sound_frame, validate_frame
from tests.support.web_pages import serving, unreachable_store, unset_store

ROOT = Path(__file__).parents[2]
FOLDER = "sites/manual__2026-11-21T05_30_00_00_00"
HOSTILE = "<script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def store(s3):
    """A bucket with the docs of one run: validated in one task, its drift measured in another."""
    client = s3.client()
    client.create_bucket(Bucket="data-docs")
    bucket = ObjectStore(client, "data-docs")
    bucket.put("models/sites/approved.json", b"{}")
    return bucket


@pytest.fixture(scope="module")
def published(store, tmp_path_factory):
    """The bucket, once a run has validated in one task and measured drift in another."""
    frame = sound_frame()
    frame.loc[3, "_id"] = HOSTILE
    frame.loc[3, "SFH"] = 7
    outcome = validate_frame(frame, tmp_path_factory.mktemp("validate"))
    publish_docs(outcome.docs_dir, store, "sites", RUN_ID)
    elsewhere = tmp_path_factory.mktemp("drift")
    fetch_source(store, "sites", RUN_ID, elsewhere)
    drift = measure_drift(
        outcome.accepted,
        frame,
        ["SFH", "Result"],
        pipeline="sites",
        reference_name="20261121T020513Z-3f9a1c2b",
        gx_root=ROOT / "gx",
        run_id=RUN_ID,
        work_dir=elsewhere,
    )
    publish_docs(drift.docs_dir, store, "sites", RUN_ID)
    return store


@pytest.fixture(scope="module")
def client(published):
    return TestClient(docs_app(lambda: published, []))


def test_the_list_leads_to_each_run(client):
    page = client.get("/").text

    assert f'<a href="show/{FOLDER}/index.html"' in page
    assert "vendor</h2>" not in page


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/{FOLDER}/index.html", "text/html; charset=utf-8"),
        (f"/{FOLDER}/", "text/html; charset=utf-8"),
        (f"/{FOLDER}/quarantine.html", "text/html; charset=utf-8"),
        (f"/{FOLDER}/drift.html", "text/html; charset=utf-8"),
    ],
)
def test_pages_come_with_their_type_and_sandboxed(client, path, kind):
    answer = client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("jquery-3.7.1/dist/jquery.min.js", "text/javascript; charset=utf-8"),
        ("bootstrap-4.3.1/dist/css/bootstrap.min.css", "text/css; charset=utf-8"),
        ("great_expectations/static/images/logo-long.png", "image/png"),
        ("nightcatch/docs.js", "text/javascript; charset=utf-8"),
    ],
)
def test_what_pages_load_comes_from_the_installation_and_not_from_the_bucket(
    published, client, path, kind
):
    published.put(f"docs/vendor/{path}", b"forged")
    answer = client.get(f"/vendor/{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content != b"forged"


@pytest.mark.parametrize("name", ["x.js", "x.svg", "x.css", "x.xhtml", "x", "x.xml"])
def test_no_script_or_picture_of_the_bucket_runs_as_one(published, client, name):
    published.put(f"docs/{FOLDER}/{name}", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    answer = client.get(f"/{FOLDER}/{name}")

    assert answer.status_code == 404 or answer.headers["content-security-policy"].startswith(
        "sandbox allow-scripts;"
    )


def test_our_own_pages_run_no_inline_script(client):
    for path in ("/", f"/show/{FOLDER}/index.html", "/nowhere/index.html"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]

        assert "script-src 'self';" in policy and "unsafe" not in policy
        assert not re.search(r"<script(?! src)|<style|\son\w+=|style=", answer.text)


def test_a_dag_run_leads_to_its_own_docs(client):
    query = {"dag_id": "train_sites", "run_id": RUN_ID}

    answer = client.get("/", params=query, follow_redirects=False)

    assert answer.status_code == 307
    assert answer.headers["location"].endswith(f"/show/{FOLDER}/quarantine.html")


@pytest.mark.parametrize(
    "address",
    [
        "/?dag_id=load_records&run_id=x",
        "/?dag_id=train_sites&run_id=never",
        "/sites/../../models/sites/approved.json",
        "/%2e%2e/models/sites/approved.json",
        "/..%2fmodels%2fsites%2fapproved.json",
        "/vendor//jquery-3.7.1/dist/jquery.min.js",
        "/sites/%00/index.html",
        "/nowhere/index.html",
    ],
)
def test_nothing_but_data_docs_is_served(client, address):
    answer = client.get(address)

    assert answer.status_code == 404
    assert "There are no Data Docs here" in answer.text
    assert '<a href="/">Data Docs of all runs</a>' in answer.text


def test_reports_are_left_to_the_page_that_verifies_them(store, client):
    version = "20261121T020513Z-3f9a1c2b"
    packaged = json.dumps({"version": version}).encode()
    store.put(keys.run_file("sites", RUN_ID, "version.json"), packaged)
    paths = (f"/versions/sites/{version}/report.html", f"/reports/train_sites/{RUN_ID}")

    for path in paths:
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (
            307,
            f"/models/sites/{version}/report.html",
        )


def test_below_a_path_of_its_own_the_report_is_beside_the_docs(published):
    client = TestClient(docs_app(lambda: published, []), root_path="/air/data-docs")
    path = "/air/data-docs/versions/sites/20261121T020513Z-3f9a1c2b/report.html"
    answer = client.get(path, follow_redirects=False)

    assert answer.headers["location"].startswith("/air/models/sites/")


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b"x", b'{"version": "../../x"}'])
def test_a_run_without_a_version_has_no_report(store, client, content):
    if content is not None:
        store.put(keys.run_file("sites", "odd", "version.json"), content)
    answer = client.get("/reports/train_sites/odd", follow_redirects=False)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/versions/sites/..%2Fapproved/report.html",
        "/versions/Sites!/20261121T020513Z-3f9a1c2b/report.html",
        "/versions/sites/20261121T020513Z-3f9a1c2b/manifest.json",
        "/versions/sites/20261121T020513Z-3f9a1c2b/model.joblib",
        "/reports/load_records/run",
        "/reports/train_sites/..%2f..%2fx",
    ],
)
def test_nothing_else_of_a_version_is_served(client, address):
    assert client.get(address).status_code == 404


def test_no_page_is_served_to_whom_a_guard_refuses(published):
    def refuse():
        raise HTTPException(403)

    guarded = TestClient(docs_app(lambda: published, [Depends(refuse)]))

    for path in ("/", f"/{FOLDER}/index.html", f"/show/{FOLDER}/index.html"):
        assert guarded.get(path).status_code == 403


@pytest.mark.parametrize("opener", [unset_store, unreachable_store])
def test_a_missing_store_is_said_and_not_a_crash(opener):
    answer = TestClient(docs_app(opener, [])).get("/")

    assert answer.status_code == 503
    assert "The Data Docs cannot be read" in answer.text
    assert "Look at the Airflow connection" in answer.text


def test_the_plugin_answers_nobody_who_is_not_logged_in(tmp_path):
    program = (
        "from fastapi.testclient import TestClient\n"
        "from plugins.data_docs import DataDocsPlugin\n"
        "client = TestClient(DataDocsPlugin.fastapi_apps[0]['app'])\n"
        "paths = ('/', '/sites/r/index.html', '/show/sites/r/', '/?dag_id=train_sites&run_id=r')\n"
        "print([client.get(path).status_code for path in paths])\n"
    )
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PATH": str(Path(sys.executable).parent),
    }

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.stdout.strip().endswith("[401, 401, 401, 401]"), done.stderr


def test_validation_asks_nothing_of_the_network_and_writes_only_where_it_works(tmp_path):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.support.validation import sound_frame, validate_frame\n"
        "seen = []\n"
        "watched = {'socket.connect', 'socket.getaddrinfo', 'socket.sendto'}\n"
        "sys.addaudithook(lambda event, args: seen.append(args) if event in watched else None)\n"
        "Path('work').mkdir()\n"
        "validate_frame(sound_frame(), Path('work').resolve()).raise_if_rejected()\n"
        "print(seen)\n"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.stdout.strip() == "[]", done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.fixture(scope="module")
def address(published):
    with serving(docs_app(lambda: published, [])) as address:
        yield address


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param("index.html", ["fixed-table-container", "drift.html"], id="index"),
        pytest.param("expectations/sites.html", ["values must belong to this set"], id="suite"),
        pytest.param("quarantine.html", ["SFH holds 7, allowed are -1, 0 and 1"], id="quarantine"),
        pytest.param("validations/sites/", ["fixed-table-container", "unexpected"], id="result"),
        pytest.param("validations/sites_drift/", ["<canvas", "KL Divergence"], id="drift"),
    ],
)
def test_pages_work_in_a_browser_without_the_internet(published, address, chromium, page, wanted):
    chromium.open(address_of(published, address, page))

    for text in wanted:
        chromium.wait_for(f"document.documentElement.outerHTML.includes({text!r})")
    assert chromium.run("document.title") != "owned"


def address_of(published, address, page):
    """The address of the one page of the run whose path begins so."""
    (key,) = (key for key in published.keys_under(f"docs/{FOLDER}/{page}") if key.endswith(".html"))
    return f"{address}/{key.removeprefix('docs/')}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["quarantine.html", "drift.html"])
def test_no_rule_of_accessibility_is_broken(published, address, chromium, page, scheme):
    chromium.show_at(1280, 900, scheme)
    chromium.open(address_of(published, address, page))

    assert chromium.axe_violations(exclude=["svg", "canvas"]) == {}


@pytest.mark.parametrize("page", ["quarantine.html", "drift.html"])
def test_on_a_phone_only_the_records_themselves_are_wider(published, address, chromium, page):
    chromium.show_at(390, 844)
    chromium.open(address_of(published, address, page))
    wide = "document.querySelectorAll('.table-responsive')"
    wider = f"[...{wide}].filter((one) => one.scrollWidth > one.clientWidth)"
    names = chromium.run(f"{wider}.map((one) => one.ariaLabel)")

    assert chromium.run("document.documentElement.scrollWidth") <= 390
    assert set(names) <= {"Records in quarantine"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "page", ["index.html", "expectations/sites.html", "validations/sites/", "validations/sites_dr"]
)
def test_texts_of_great_expectations_stand_out(published, address, chromium, page, scheme):
    legible = {"runOnly": ["color-contrast", "html-has-lang"]}
    chromium.show_at(1280, 900, scheme)
    chromium.open(address_of(published, address, page))

    assert chromium.axe_violations(["svg", "canvas"], legible) == {}


AIRFLOW_FRAME = """<!DOCTYPE html><html lang="en" class="dark"><title>Airflow</title>
<iframe id="view" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads" width="1200"
 height="800"></iframe></html>"""


@pytest.fixture(scope="module")
def airflow(published):
    """Data Docs below an Airflow that knows its users by a cookie, framed as its UI frames them."""

    def logged_in(request: Request):
        if request.cookies.get("_token") != "session":
            raise HTTPException(401)

    outer = FastAPI()

    @outer.get("/ui")
    def user_interface():
        page = HTMLResponse(AIRFLOW_FRAME)
        page.set_cookie("_token", "session", samesite="lax", httponly=True)
        return page

    outer.mount("/data-docs", docs_app(lambda: published, [Depends(logged_in)]))
    with serving(outer) as address:
        yield address


def test_links_of_sandboxed_pages_work_inside_the_airflow_ui(airflow, chromium):
    chromium.open(f"{airflow}/ui")
    view = chromium.page.frame_locator("#view")
    docs = view.frame_locator("iframe")

    chromium.run("document.getElementById('view').src = '/data-docs/'")
    view.get_by_role("link", name="2026-11-21 05:30 UTC, by hand").click()
    docs.get_by_role("link", name="What was decided of the records").click()
    docs.get_by_role("heading", name="Records in quarantine").wait_for()
    docs.get_by_role("link", name="All results of this run").click()
    docs.get_by_role("cell", name="sites_drift").first.click()
    docs.locator("canvas").first.wait_for()
    docs.get_by_role("link", name="Home").first.click()
    docs.get_by_role("cell", name="sites_drift").first.wait_for()
    view.get_by_role("link", name="Data Docs of all runs").click()
    view.get_by_role("heading", name="Data Docs").wait_for()


@pytest.mark.parametrize("page", ["index.html", "quarantine.html"])
def test_pages_are_dark_or_light_as_airflow_is_around_them(airflow, chromium, page):
    # An emulated scheme would hide what the frame around a page asks for.
    chromium.page.emulate_media(color_scheme="null")
    chromium.open(f"{airflow}/ui")
    chromium.run(f"document.getElementById('view').src = '/data-docs/show/{FOLDER}/{page}'")
    view = chromium.page.frame_locator("#view")
    ground = "(body) => getComputedStyle(body).backgroundColor"
    inner, outer = view.frame_locator("iframe").locator("body"), view.locator("body")
    inner.get_by_role("link").first.wait_for()

    assert inner.evaluate(ground) == "rgb(25, 29, 33)"
    assert outer.evaluate(ground) == "rgb(22, 29, 45)"
    chromium.run("document.documentElement.className = 'light'")
    assert outer.evaluate(ground) == "rgb(255, 255, 255)"
    assert inner.evaluate(ground) in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


def _evaluate_one(number, work_dir):
    frame = sound_frame()
    frame.loc[number, "SFH"] = 7
    folder = work_dir / str(number)
    folder.mkdir()
    outcome = validate_frame(frame, folder, run_id=f"run-{number}")
    pages = [path.parent.parent.name for path in outcome.docs_dir.glob("validations/*/*/*/*.html")]
    return outcome.quarantined["_id"].tolist(), outcome.failures, pages


def test_validations_at_once_do_not_meet(tmp_path, is_full_run):
    n = 8 if is_full_run else 3
    with ThreadPoolExecutor(n) as pool:
        outcomes = list(pool.map(_evaluate_one, range(n), [tmp_path] * n))

    expected = [([f"record-{number}"], (), [f"run-{number}"]) for number in range(n)]
    assert outcomes == expected

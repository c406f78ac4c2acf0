"""The adapters for mail gateways and threat-intelligence platforms, on the real application."""

import importlib.util
import json
import shutil
import socket
import subprocess
import threading
from email.message import EmailMessage

import pytest
from werkzeug.serving import make_server

from include.stack.ports import pick_port
from include.stack.process import ServerProcess
from tests.support.cli_session import ROOT
from tests.support.onnx_graphs import text_classifier
from tests.support.scorer_app import TEXT, app_of, following

ADAPTERS = ROOT / "deploy" / "integrations"
BAD, GOOD = "http://bad.example/login?a=1&b=2", "https://good.example/"
READY_S = 120
needs_rspamd = pytest.mark.skipif(not shutil.which("rspamd"), reason="rspamd is not installed")


@pytest.fixture(scope="module")
def scorer_url():
    app = app_of({"urls": following("urls", text_classifier(), **TEXT)})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def misp():
    spec = importlib.util.spec_from_file_location(
        "misp_nightcatch", ADAPTERS / "misp_nightcatch.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def ask(**query):
        return module.handler(json.dumps(query))

    return ask


def text_of(answer):
    (result,) = answer["results"]
    return result["values"][0]


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [("url", BAD, "Phishing"), ("link", GOOD, "Legitimate"), ("domain", "bad.example", "Phishing")],
)
def test_misp_shows_the_verdict_on_an_attribute(misp, scorer_url, kind, value, verdict):
    assert text_of(misp(**{kind: value}, config={"url": scorer_url})).startswith(verdict)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"url": BAD}, "configuration"),
        ({"ip-src": "192.0.2.1", "config": {"url": "http://127.0.0.1:1"}}, "attribute"),
        ({"url": BAD, "config": {"url": "http://127.0.0.1:1"}}, "no response"),
    ],
    ids=["no address", "another attribute", "no scorer"],
)
def test_misp_is_told_what_is_wrong(misp, query, named):
    assert named in misp(**query)["error"]


def test_misp_is_told_why_a_value_is_refused(misp, scorer_url):
    assert "refused" in misp(url="javascript:x", config={"url": scorer_url})["error"]


@pytest.fixture(scope="module")
def scan(scorer_url, tmp_path_factory):
    """Return what scans the text of a mail: the symbols that rspamd finds."""
    folder, port = tmp_path_factory.mktemp("rspamd"), pick_port()
    (folder / "suffixes.dat").write_text("example\n")  # the whole list takes rspamd a minute
    (folder / "rspamd.conf").write_text(f"""
        options {{ pidfile = "{folder}/pid"; filters = ""; url_tld = "{folder}/suffixes.dat";
                   dns {{ nameserver = ["127.0.0.1"]; }} }}
        logging {{ type = "console"; level = "info"; }}
        worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
        nightcatch {{ url = "{scorer_url}/predict"; timeout = 30.0; }}
        lua = "{ADAPTERS}/rspamd.lua";
    """)
    client = ["rspamc", "-h", f"127.0.0.1:{port}", "-j"]

    def is_ready():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    process = ServerProcess("rspamd", folder)
    process.start(["rspamd", "-f", "--insecure", "-c", str(folder / "rspamd.conf")], {}, folder)
    process.wait_until(is_ready, READY_S)

    def symbols(html):
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "a@a.example", "Your parcel"
        mail.set_content(html, subtype="html")
        scanned = subprocess.run(
            [*client, "symbols"], input=mail.as_bytes(), capture_output=True, check=True
        )
        found = json.loads(scanned.stdout)["symbols"]
        return {name: symbol.get("options", []) for name, symbol in found.items()}

    yield symbols
    process.stop()


@needs_rspamd
def test_rspamd_names_the_phishing_url_behind_a_link(scan):
    assert scan(f'<a href="{BAD.replace("&", "&amp;")}">{GOOD}</a>') == {
        "NIGHTCATCH_PHISHING": [BAD]
    }


@needs_rspamd
def test_rspamd_finds_nothing_in_a_legitimate_mail(scan):
    assert scan(f'<a href="{GOOD}">us</a>') == {}
    assert scan("<p>no links</p>") == {}

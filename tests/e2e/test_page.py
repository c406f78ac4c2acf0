"""The page at `/` in a real browser: every way to ask, by hand, by keyboard, on a phone."""

import gzip
import json
import threading
from datetime import UTC, datetime

import pytest
from werkzeug.serving import make_server

from include.pipelines.sites.records import FIELDS
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.desk.links import ResultLinks
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.scorer_app import TEXT, app_of, following

BAD = "http://bad.example/login"
SAFE_LINK = (
    "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fbad.example%2F&data=05"
)
MAIL = f"""Dear customer,

your parcel waits at hxxps://bad[.]example/track?id=7, or {SAFE_LINK}.
Help: https://www.example.org/help (or https://help.example.net/a). Terms: www.example.com.
"""
REPORT = b"""<!doctype html><html lang=en><title>Report</title><style>h1{color:#123}</style>
<h1>Report of sites</h1><script>document.title = "owned"</script>"""


class Held:
    """Stands where a Report stands: the one of the version in production is at hand."""

    def of(self, version):
        return REPORT


@pytest.fixture(scope="module")
def followers():
    weights = [-0.2] * len(FIELDS)
    return {
        "sites": following("sites", onnx_graphs.logistic(weights), inputs=FIELDS),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }


def serving(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/"
    server.shutdown()
    thread.join()


def now():
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def address(followers):
    links = ResultLinks(b"a secret of a deployment")
    yield from serving(app_of(followers, now=now, links=links, reports={"sites": Held()}))


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Where feedback waits for S3, at the scorer that asks for a key."""
    return DeliveryQueue(tmp_path_factory.mktemp("labels"), 10**6)


@pytest.fixture(scope="module")
def guarded(followers, labels, tmp_path_factory):
    keys = write_keys(tmp_path_factory.mktemp("keys") / "keys", ann="key")
    yield from serving(app_of(followers, now=now, access=Access(ApiKeys(keys)), outbox=labels))


@pytest.fixture
def page(chromium, address):
    chromium.problems.clear()
    chromium.show_at(1280, 900)
    chromium.open(address)
    yield chromium
    assert chromium.problems == []


def answer_of(page):
    page.page.wait_for_selector("#answer > .card")
    return page.run("document.querySelector('#answer').innerText")


def paste(page, text):
    page.run("document.querySelector('#answer').replaceChildren()")
    page.page.fill("#text", text)
    page.page.press("#text", "Control+Enter")


def drop(page, name, content):
    page.run("document.querySelector('#answer').replaceChildren()")
    page.run(
        f"""(() => {{
            const files = new DataTransfer();
            files.items.add(new File([{json.dumps(content)}], {json.dumps(name)}));
            document.querySelector('main').dispatchEvent(
                new DragEvent('drop', {{dataTransfer: files, bubbles: true, cancelable: true}}));
        }})()"""
    )


def saved(page, words, tmp_path):
    with page.page.expect_download() as download:
        page.page.click(f"text={words}")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def csv(n_rows):
    header = ",".join(field.name for field in FIELDS)
    row = [field.allowed for field in FIELDS]
    rows = (",".join(str(allowed[i % len(allowed)]) for allowed in row) for i in range(n_rows))
    return "\n".join([header, *rows])


def test_the_box_comes_first_and_the_models_after_it(page):
    assert page.run("document.querySelector('main').querySelector('textarea, select').id") == "text"
    text = page.run("document.querySelector('.model').innerText")
    assert "Model sites" in text
    assert "approved by ann" in text
    assert page.run("document.querySelector('.model time').dateTime").startswith("2026-11-21T02:06")


def test_one_url_has_a_verdict_its_parts_its_reasons_and_no_link_that_opens_it(page):
    paste(page, "hxxp://user@a.bad[.]example:8080/login?x=1#y")

    text = answer_of(page)
    assert "Phishing" in text
    assert "From 50 % on it is called Phishing" in text
    parts = "[...document.querySelectorAll('.scored .address > *')]"
    assert page.run(f"{parts}.map((part) => [part.className, part.textContent])") == [
        ["scheme", "http://"], ["userinfo", "user@"], ["subdomain", "a."],
        ["domain", "bad.example"], ["port", ":8080"], ["path", "/login"], ["query", "?x=1"],
        ["fragment", "#y"],
    ]  # fmt: skip
    assert page.run("getComputedStyle(document.querySelector('.domain')).fontWeight") == "700"
    reasons = page.run("[...document.querySelectorAll('.reasons li')].map((li) => li.innerText)")
    assert reasons[0].startswith("The name of the domain, “bad”, raises the odds of phishing")
    assert "log-odds" not in text
    links = page.run("[...document.querySelectorAll('#answer a')].map((a) => a.pathname)")
    assert [link[:3] for link in links] == ["/r/"]
    assert page.run("document.activeElement.id") == "answer"


def test_what_was_copied_is_on_the_clipboard_and_the_link_shows_the_result(page, address):
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    paste(page, BAD)
    answer_of(page)
    copied = []
    for words in ("Copy defanged", "Copy as JSON", "Link to this result"):
        page.page.click(f"text={words}")
        page.wait_for("document.querySelector('.actions').innerText.includes('Copied')")
        copied.append(page.run("navigator.clipboard.readText()"))
        page.wait_for("!document.querySelector('.actions').innerText.includes('Copied')")

    assert copied[0] == "hxxp://bad[.]example/login"
    assert json.loads(copied[1])["prediction"] == "Phishing"
    assert copied[2].startswith(f"{address}r/")
    page.open(copied[2])
    assert "Phishing" in answer_of(page)


@pytest.mark.parametrize("example", range(3))
def test_each_example_is_a_click(page, example):
    page.page.click(f".examples button >> nth={example}")

    assert "probability of phishing" in answer_of(page)
    sent = page.run(f"document.querySelectorAll('.examples button')[{example}].value")
    assert page.run("document.querySelector('#text').value") == sent


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"a.example\n{BAD}\n", "2 checked"),
        (f"a.example\nnonsense\n{BAD}\n", "1 is refused; the others are checked"),
        (json.dumps([{field.name: field.allowed[0] for field in FIELDS}] * 3), "3 checked"),
        (csv(2), "2 checked"),
        ("{", "not JSON"),
        (json.dumps({"having_IP_Address": 1}), "12 more"),
        ("a,b\n1,2", "is no host"),
        (SAFE_LINK, "out of a link of Safe Links"),
    ],
    ids=["list", "one-bad", "records", "csv", "broken", "incomplete", "no-address", "wrapped"],
)
def test_what_is_pasted_is_understood(page, text, wanted):
    paste(page, text)

    assert wanted in answer_of(page)
    page.problems.clear()  # a 422 is logged by the browser


def test_the_links_of_a_mail_are_a_table_with_reasons_a_filter_and_downloads(page, tmp_path):
    paste(page, MAIL)

    assert "5 checked\nfound in the text" in answer_of(page)
    visible = "[...document.querySelectorAll('tbody > tr')].filter((r) => r.checkVisibility())"
    page.page.click("label:has-text('Legitimate')")
    assert page.run(f"{visible}.length") == 3
    page.page.click("label:has-text('Phishing')")
    assert page.run(f"{visible}.length") == 2
    page.page.click("text=Why? >> nth=0")
    page.page.wait_for_selector(".opened .reasons")
    assert "bad.example/track" in page.run("document.querySelector('.opened .scored').innerText")
    page.page.click("text=Why? >> nth=0")
    assert page.run("document.querySelector('.opened')") is None
    table, found = (saved(page, f"Download {kind}", tmp_path) for kind in ("CSV", "JSON"))
    assert table.name == "predictions.csv"
    assert len(table.read_text().splitlines()) == 6
    assert json.loads(found.read_text())["by_label"]["Phishing"] == 2


def test_a_dropped_file_is_a_table_that_is_saved_whole(page, tmp_path):
    drop(page, "sites.csv", csv(120) + "\n" + ",".join(["9"] * len(FIELDS)))

    text = answer_of(page)
    assert "120 checked" in text
    assert "Line 122, having_IP_Address: 9.0 is not one of -1, 1" in text
    page.page.click("text=Why? >> nth=0")
    page.page.wait_for_selector(".opened .reasons")
    assert len(saved(page, "Download CSV", tmp_path).read_text().splitlines()) == 121


def test_this_is_wrong_lands_as_feedback_under_the_key_that_was_typed(chromium, guarded, labels):
    chromium.problems.clear()
    chromium.open(guarded)
    paste(chromium, BAD)
    assert "type a valid API key" in answer_of(chromium)
    chromium.page.fill("#api-key", "key")
    paste(chromium, BAD)
    chromium.page.click("summary:has-text('This is wrong')")
    chromium.page.fill("[name=comment]", "our own log-in page")
    assert chromium.axe_violations() == {}
    chromium.page.click(".feedback button")
    chromium.wait_for("document.querySelector('.said').textContent.includes('review')")
    response_id = chromium.run("document.querySelector('.feedback').dataset.id")

    (batch,) = labels.waiting()
    (line,) = map(json.loads, gzip.decompress(batch.path.read_bytes()).splitlines())
    del line["time"]
    assert line == {
        "id": response_id,
        "label": "Legitimate",
        "source": "page",
        "comment": "our own log-in page",
        "client": "ann",
    }


def test_where_no_feedback_is_taken_nothing_asks_for_it(page):
    paste(page, BAD)

    assert "This is wrong" not in answer_of(page)


def test_without_a_script_everything_is_a_form(page, address):
    with page.page.context.browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.goto(address)
        plain.fill("#text", "hxxp://bad[.]example/")
        plain.click("#box button")
        assert "Phishing" in plain.inner_text("#answer .verdict")
        plain.click("text=Link to this result")
        assert "/r/" in plain.url
        plain.fill("#text", f"{BAD}\nhttps://a.example/")
        plain.click("#box button")
        plain.click("label:has-text('Legitimate')")
        assert plain.locator("tbody tr:visible").count() == 1
        plain.click("text=Why? >> visible=true")
        assert "a.example" in plain.inner_text("#answer .scored")
        plain.click("text=Describe a site")
        plain.click(".record-form .primary")
        assert "Legitimate" in plain.inner_text("#answer .verdict")


def test_a_described_record_is_answered_with_reasons_in_words(page):
    page.page.click("text=Describe a site")
    page.page.click("[data-fill=first]")
    page.page.click(".record-form .primary")

    assert "Phishing" in answer_of(page)
    reasons = page.run("[...document.querySelectorAll('.reasons li')].map((li) => li.textContent)")
    assert any("Age of the domain (the domain is younger" in reason for reason in reasons)
    bars = page.run(
        "[...document.querySelectorAll('.bar')].map((b) => b.getAttribute('aria-label'))"
    )
    assert set(bars) == {"towards phishing"}


def test_each_input_is_a_choice_in_words(page):
    shown = page.run(
        "[...document.querySelector('[name=age_of_domain]').options].map((o) => o.text)"
    )

    assert shown[0] == "the domain is younger than six months (-1)"
    assert shown[-1] == "not known"
    assert page.run("document.querySelectorAll('.record-form select').length") == len(FIELDS)


def test_the_report_of_the_model_is_a_click_away_and_runs_nothing(page):
    page.run("document.querySelector('.model summary').click()")
    page.run("document.querySelector('.model a[href$=report]').click()")
    page.wait_for("location.pathname == '/models/sites/report' && document.body")

    assert page.run("document.querySelector('h1').textContent") == "Report of sites"
    assert page.run("document.title") == "Report"
    assert page.run("getComputedStyle(document.querySelector('h1')).color") == "rgb(17, 34, 51)"
    page.problems.clear()  # the script that was refused


def test_what_is_sent_is_never_markup(page):
    hostile = "<img/src=x/onerror=document.title='owned'>"
    paste(
        page, f"url,note\nhttp://bad.example/{hostile},{hostile}\n{hostile},x\nhttp://b.example/,y"
    )

    assert "<img/" in answer_of(page)
    assert page.run("document.title") != "owned"


def test_the_keyboard_alone_is_enough(page):
    assert page.run("document.activeElement.id") == "text"
    page.page.keyboard.insert_text(f"{BAD}\nhttp://a.example/")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    assert "2 checked" in answer_of(page)
    for _ in range(10):
        page.page.keyboard.press("Tab")
        if page.run("document.activeElement.getAttribute('form')") == "again":
            break
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".opened .reasons")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_rule_of_accessibility_is_broken_and_nothing_is_cut_off(page, width, scheme):
    page.show_at(width, 800, scheme)
    assert page.axe_violations() == {}
    for text in (BAD, MAIL, f"{BAD}\nnonsense\n{BAD}/{'a-long-path/' * 10}", "{"):
        paste(page, text)
        answer_of(page)
        assert page.axe_violations() == {}
        assert page.run(CONTRAST) >= 4.5
        assert page.run("document.documentElement.scrollWidth") == width
        scrolled = "[...document.querySelectorAll('#answer .scroll')]"
        assert page.run(f"{scrolled}.every((each) => each.scrollWidth <= each.clientWidth)")
    drop(page, "sites.csv", csv(60))
    assert "60 checked" in answer_of(page)
    assert page.axe_violations() == {}
    assert page.run("document.documentElement.scrollWidth") == width
    page.problems.clear()  # a 422 is logged by the browser


CONTRAST = """(() => {
    const light = (colour) => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = parts.map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        const colour = getComputedStyle(node).backgroundColor;
        return colour.endsWith(', 0)') ? behind(node.parentElement) : colour;
    };
    const contrast = (node) => {
        const pair = [getComputedStyle(node).color, behind(node)].map(light).sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05);
    };
    const texts = [...document.querySelectorAll('h1, h2, p, a, td, th, label, button, summary')];
    const read = texts.filter((node) => node.checkVisibility() && !node.disabled);
    return Math.min(...read.map(contrast));
})()"""


def test_everything_a_screen_reader_meets_has_a_name(page):
    drop(page, "sites.csv", csv(60))
    answer_of(page)
    nodes = page.accessibility_tree()
    interactive = {"button", "link", "combobox", "textbox", "image", "region", "table"}
    met = [node for node in nodes if node["role"]["value"] in interactive and not node["ignored"]]

    nameless = [node["role"] for node in met if not node.get("name", {}).get("value")]
    assert len(met) > 50
    assert [role for role in nameless if role["value"] != "image"] == []
    assert page.run("document.documentElement.lang") == "en"
    assert page.run("[...document.querySelectorAll('h1')].length") == 1


def test_a_broken_rule_of_accessibility_would_be_noticed(page):
    page.run("document.querySelector('main').append(document.createElement('input'))")

    assert "label" in page.axe_violations()


def test_the_api_page_describes_and_tries_every_route(page, address):
    page.open(address + "docs")
    page.wait_for("document.querySelectorAll('#operations section').length > 4")
    page.run("document.querySelector('#operations form').requestSubmit()")
    page.wait_for("document.querySelector('#operations [role=status]').innerText.includes('200')")

    assert "prediction" in page.run("document.querySelector('#operations').innerText")
    assert page.run(CONTRAST) >= 4.5
    assert page.axe_violations() == {}

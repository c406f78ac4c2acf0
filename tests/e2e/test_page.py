"""The page at `/` in a real browser: every way to ask, by hand, by keyboard, on a phone."""

import json
import threading

import pytest
from werkzeug.serving import make_server

from include.pipelines.sites.records import FIELDS
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following


@pytest.fixture(scope="module")
def followers():
    weights = [-0.2] * len(FIELDS)
    return {
        "sites": following("sites", onnx_graphs.logistic(weights), inputs=FIELDS),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }


REPORT = b"""<!doctype html><html lang=en><title>Report</title><style>h1{color:#123}</style>
<h1>Report of sites</h1><script>document.title = "owned"</script>"""


class Held:
    """Stands where a Report stands: the one of the version in production is at hand."""

    def of(self, version):
        return REPORT


@pytest.fixture(scope="module")
def address(followers):
    app = app_of(followers, reports={"sites": Held()})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/"
    server.shutdown()
    thread.join()


@pytest.fixture
def page(chromium, address):
    chromium.problems.clear()
    chromium.show_at(1280, 900)
    chromium.open(address)
    yield chromium
    assert chromium.problems == []


def answer_of(page):
    page.wait_for("!document.querySelector('#answer').hidden")
    return page.run("document.querySelector('#answer').innerText")


def paste(page, text):
    page.run("document.querySelector('#paste').focus()")
    page.page.keyboard.insert_text(text)
    page.run("document.querySelector('#paste-form').requestSubmit()")


def drop(page, name, content):
    page.run(
        f"""(() => {{
            const files = new DataTransfer();
            files.items.add(new File([{json.dumps(content)}], {json.dumps(name)}));
            document.querySelector('#drop').dispatchEvent(
                new DragEvent('drop', {{dataTransfer: files, bubbles: true, cancelable: true}}));
        }})()"""
    )


def csv(n_rows):
    header = ",".join(field.name for field in FIELDS)
    row = [field.allowed for field in FIELDS]
    rows = (",".join(str(allowed[i % len(allowed)]) for allowed in row) for i in range(n_rows))
    return "\n".join([header, *rows])


def test_it_says_which_model_is_in_production_and_since_when(page):
    text = page.run("document.querySelector('.model').innerText")

    assert "Model sites" in text
    assert "approved by ann" in text
    assert page.run("document.querySelector('.model time').dateTime").startswith("2026-11-21T02:06")


def test_a_described_record_is_answered_in_words_and_a_picture(page):
    page.run("document.querySelector('[data-fill=first]').click()")
    page.run("document.querySelector('.record-form').requestSubmit()")

    assert "Phishing" in answer_of(page)
    words = page.run("document.querySelector('#answer svg').getAttribute('aria-label')")
    assert words.startswith("Probability of phishing 99.")
    assert words.endswith("Suspicious from 50.0 % on, Phishing from 50.0 % on")
    assert page.run("document.activeElement.id") == "answer"


def test_a_described_record_is_answered_with_reasons_in_words(page):
    page.run("document.querySelector('[data-fill=first]').click()")
    page.run("document.querySelector('.record-form').requestSubmit()")

    answer_of(page)
    reasons = page.run("[...document.querySelectorAll('.reasons li')].map((li) => li.textContent)")
    assert any("Age of the domain: the domain is younger" in reason for reason in reasons)
    shown = page.run("[...document.querySelectorAll('.reasons .amount')].map((a) => a.textContent)")
    assert len(shown) == len(reasons)
    assert all(amount.startswith("+") for amount in shown)


def test_each_input_is_a_choice_in_words(page):
    shown = page.run(
        "[...document.querySelector('[name=age_of_domain]').options].map((o) => o.text)"
    )

    assert shown[0] == "the domain is younger than six months (-1)"
    assert shown[-1] == "not known"
    assert page.run("document.querySelectorAll('.record-form select').length") == len(FIELDS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("http://bad.example/", "Phishing"),
        ("http://a.example/\nhttp://bad.example/\n", "2 checked"),
        (json.dumps([{field.name: None for field in FIELDS}] * 3), "3 checked"),
        (csv(2), "2 checked"),
        ("{", "This is not JSON"),
        (json.dumps({"having_IP_Address": 1}), "12 more"),
        ("a,b\n1,2", "is no host"),
        ("hxxp://bad[.]example/", "read as http://bad.example/"),
        ("hxxp://bad[.]example/\nhttp://a.example/", "read as http://bad.example/"),
        (
            "https://l.facebook.com/l.php?u=http%3A%2F%2Fbad.example%2F",
            "read as http://bad.example/ (out of a link of Facebook)",
        ),
    ],
    ids=[
        "address",
        "addresses",
        "records",
        "csv",
        "broken",
        "incomplete",
        "no-address",
        "defanged",
        "list-with-a-defanged-one",
        "wrapped",
    ],
)
def test_what_is_pasted_is_understood(page, text, wanted):
    paste(page, text)

    assert wanted in answer_of(page)
    page.problems.clear()  # a 422 is logged by the browser


def test_a_dropped_file_is_a_paged_table_with_a_download(page, tmp_path):
    drop(page, "sites.csv", csv(120))

    text = answer_of(page)
    assert "120 checked" in text
    assert "Rows 1 to 50 of 120" in text
    page.run("[...document.querySelectorAll('#answer button')].at(-2).click()")
    assert "Rows 51 to 100" in answer_of(page)
    with page.page.expect_download() as download:
        page.run("[...document.querySelectorAll('#answer button')].at(-1).click()")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "predictions.csv"
    assert len(saved.read_text().splitlines()) == 121


def test_an_address_is_answered_with_what_each_part_adds(page):
    paste(page, "http://a.bad.example/login")

    text = answer_of(page)
    assert "compared with the address without this part" in text
    reasons = page.run("[...document.querySelectorAll('.reasons li')].map((li) => li.textContent)")
    assert reasons[0].startswith("the name of the domain: bad")
    assert len(reasons) == 2  # the path and what stands before the domain move nothing


def test_the_report_of_the_model_is_a_click_away_and_runs_nothing(page):
    page.run("document.querySelector('.model summary').click()")
    page.run("document.querySelector('.model a[href$=report]').click()")
    page.wait_for("location.pathname == '/models/sites/report' && document.body")

    assert page.run("document.querySelector('h1').textContent") == "Report of sites"
    assert page.run("document.title") == "Report"
    assert page.run("getComputedStyle(document.querySelector('h1')).color") == "rgb(17, 34, 51)"
    page.problems.clear()  # the script that was refused


def test_a_table_asked_for_as_html_has_a_histogram_and_pages(page):
    page.run(
        f"""(() => {{
            const files = new DataTransfer();
            files.items.add(new File([{json.dumps(csv(120))}], 'sites.csv'));
            document.querySelector('#file').files = files.files;
            HTMLFormElement.prototype.submit.call(document.querySelector('#file-form'));
        }})()"""
    )
    page.wait_for("location.pathname == '/predict' && document.querySelector('caption')")

    assert page.run("document.querySelector('caption').textContent") == "Rows 1 to 50 of 120"
    page.run("[...document.querySelectorAll('button')].at(-1).click()")
    page.run("[...document.querySelectorAll('button')].at(-1).click()")
    assert page.run("document.querySelector('caption').textContent") == "Rows 101 to 120 of 120"
    visible = "[...document.querySelectorAll('tbody tr')].filter((row) => row.checkVisibility())"
    assert page.run(f"{visible}.length") == 20
    bars = page.run("[...document.querySelectorAll('svg rect title')].map((t) => t.textContent)")
    assert sum(int(bar.rpartition(" ")[2]) for bar in bars) == 120


def test_what_is_sent_is_never_markup(page):
    paste(page, "http://bad.example/<img src=x onerror=document.title='owned'>\nhttp://b.example/")

    assert "<img" in answer_of(page)
    assert page.run("document.title") != "owned"


def test_the_keyboard_alone_is_enough(page):
    for _ in range(30):
        page.page.keyboard.press("Tab")
        if page.run("document.activeElement.id") == "paste":
            break
    page.page.keyboard.insert_text("http://bad.example/")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")

    assert "Phishing" in answer_of(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_in_either_colour(page, scheme):
    page.show_at(360, 740, scheme)
    drop(page, "sites.csv", csv(60))

    assert "60 checked" in answer_of(page)
    assert page.run("document.documentElement.scrollWidth") == 360
    assert page.run(CONTRAST) >= 4.5


@pytest.mark.parametrize("width", [360, 1280])
def test_the_addresses_of_a_table_are_seen_without_scrolling(page, width):
    address = "https://www.example.org/" + 10 * "a-long-path/"
    page.show_at(width, 740)
    paste(page, f"{address}\nhttp://bad.example/")

    assert address in answer_of(page)
    fits = "(({scrollWidth, clientWidth}) => scrollWidth <= clientWidth)"
    assert page.run(f"{fits}(document.querySelector('#answer .scroll'))")


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "text",
    [None, "http://a.bad.example/login", "http://a.example/\nhttp://bad.example/\n", "{"],
    ids=["at first", "an address", "several", "refused"],
)
def test_no_rule_of_accessibility_is_broken(page, text, width, scheme):
    page.show_at(width, 800, scheme)
    if text is not None:
        paste(page, text)
        answer_of(page)

    assert page.axe_violations() == {}
    page.problems.clear()  # a 422 is logged by the browser


def test_a_broken_rule_of_accessibility_would_be_noticed(page):
    page.run("document.querySelector('main').append(document.createElement('input'))")

    assert "label" in page.axe_violations()


def test_no_rule_of_accessibility_is_broken_by_reasons_tables_and_the_api(page, address):
    page.run("document.querySelector('[data-fill=first]').click()")
    page.run("document.querySelector('.record-form').requestSubmit()")
    answer_of(page)
    assert page.axe_violations() == {}

    drop(page, "sites.csv", csv(60))
    page.wait_for("document.querySelector('#answer').innerText.includes('60 checked')")
    assert page.axe_violations() == {}

    page.open(address + "docs")
    page.wait_for("document.querySelectorAll('#operations section').length > 4")
    assert page.axe_violations() == {}


def test_the_api_page_describes_and_tries_every_route(page, address):
    page.open(address + "docs")
    page.wait_for("document.querySelectorAll('#operations section').length > 4")
    page.run("document.querySelector('#operations form').requestSubmit()")
    page.wait_for("document.querySelector('#operations [role=status]').innerText.includes('200')")

    assert "prediction" in page.run("document.querySelector('#operations').innerText")
    assert page.run(CONTRAST) >= 4.5

"""A version's report in a real browser: alone in a file, on a desk, on a phone, in the dark."""

import pytest

from include.reporting.report import render_report
from include.reporting.report_inputs import ReportInputs
from tests.support.report_inputs import SLICE, manifest, report_inputs

LONG = "a-word-without-a-break-that-somebody-chose-for-a-source-of-records" * 2


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files of reports: a whole one, one of which nothing was measured, one of long names."""
    folder = tmp_path_factory.mktemp("reports")
    long = report_inputs(
        sources={LONG: ""},
        evaluation={"slices": [{**SLICE, "name": LONG, "value": LONG}]},
        meanings={"a": LONG},
    )
    shown = {"whole": (manifest(), report_inputs()), "long": (manifest(), long)}
    shown["bare"] = (manifest(metrics={"test": {}}), ReportInputs())
    for name, (made, seen) in shown.items():
        (folder / f"{name}.html").write_text(render_report(made, seen))
    return {name: f"file://{folder}/{name}.html" for name in shown}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", ["whole", "long", "bare"])
def test_a_report_opens_alone_and_fits(chromium, pages, page, width, scheme):
    chromium.show_at(width, 900, scheme)
    chromium.open(pages[page])

    assert chromium.problems == []
    assert chromium.run("performance.getEntriesByType('resource').length") == 0
    assert chromium.run("document.querySelectorAll('h2').length") == 16
    assert chromium.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_rule_of_accessibility_is_broken(chromium, pages, width, scheme):
    chromium.show_at(width, 900, scheme)
    chromium.open(pages["whole"])
    # The inside of a plot is told by its label, and takes axe longest.
    assert chromium.axe_violations(exclude=["svg"]) == {}
    chromium.problems.clear()


def test_every_entry_of_the_contents_leads_to_its_chapter(chromium, pages):
    chromium.show_at(1280, 900)
    chromium.open(pages["whole"])
    places = chromium.run(
        """(async () => {
          document.documentElement.style.scrollBehavior = 'auto'
          const places = []
          for (const link of document.querySelectorAll('.contents a')) {
            link.click()
            await new Promise(requestAnimationFrame)
            const chapter = document.querySelector(link.hash)
            places.push([link.hash, chapter.matches(':target')])
          }
          return places
        })()"""
    )

    assert len(places) == 16
    assert [place for place, is_there in places if not is_there] == []


def test_plots_take_the_colours_of_the_dark_page(chromium, pages):
    def ink(scheme):
        chromium.show_at(1280, 900, scheme)
        chromium.open(pages["whole"])
        return chromium.run(
            "[...new Set([...document.querySelectorAll('.plot text')]"
            ".map((text) => getComputedStyle(text).fill))].sort().join()"
        )

    light, dark = ink("light"), ink("dark")

    assert light and dark and light != dark


def test_on_paper_everything_is_unfolded_and_nothing_sticks_out(chromium, pages):
    chromium.show_at(794, 1123)
    chromium.open(pages["whole"])
    chromium.page.emulate_media(media="print")
    heights = chromium.run(
        "[...document.querySelectorAll('details > :not(summary)')].map((e) => e.offsetHeight)"
    )
    shown = chromium.run("getComputedStyle(document.querySelector('.contents')).display")
    width = chromium.run("document.documentElement.scrollWidth")
    printed = chromium.page.pdf(print_background=True)
    chromium.page.emulate_media(media="screen")

    assert shown == "none"
    assert heights and min(heights) > 20
    assert width <= 794
    assert printed.startswith(b"%PDF-")

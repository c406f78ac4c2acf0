"""A plot's SVG: the page's colours, the page's font, ids of its own."""

import re

from include.reporting.svg import INK, PHISHING, draw


def paint(figure):
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "o", color=PHISHING)
    axes.fill_between([0, 1], [0, 1], color=INK)
    axes.set_xlabel("a < b & c")


def test_a_plot_has_no_colour_font_or_namespace_of_its_own():
    svg = draw("one", "what it shows", paint)

    assert "var(--phishing)" in svg and "var(--ink)" in svg
    assert not re.search(r"#[0-9a-f]{6}|font-family|xmlns|xlink|<style|<metadata|<!--", svg)
    assert "a &lt; b &amp; c" in svg


def test_two_plots_share_no_id():
    ids = [set(re.findall(r' id="([^"]+)"', draw(name, "words", paint))) for name in ("one", "two")]

    assert ids[0] and not ids[0] & ids[1]


def test_references_lead_to_ids_of_the_same_plot():
    svg = draw("one", "words", paint)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))

    assert used == set(re.findall(r' id="([^"]+)"', svg))


def test_the_words_of_a_plot_are_escaped():
    assert 'aria-label="&quot;&gt;&lt;b&gt;"' in draw("one", '"><b>', paint)


def test_somebody_elses_matplotlib_settings_change_nothing():
    import matplotlib

    before = draw("one", "words", paint)
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.hashsalt": "x"}):
        after = draw("one", "words", paint)
        kept = matplotlib.rcParams["font.size"]

    assert after == before
    assert kept == 30

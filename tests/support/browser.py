"""Headless Chromium for tests of pages, driven by Playwright; it reaches the loopback only."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_S = 120.0
AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text()
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Browser:
    """One tab: Playwright's `page`, and what a test of a page asks in one line.

    `problems` lists the errors and warnings that the page logged: exceptions, failed requests,
    breaches of its content security policy.
    """

    def __init__(self, page):
        self.page = page
        self.problems = []
        page.set_default_timeout(TIMEOUT_S * 1000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._log)
        self._devtools = page.context.new_cdp_session(page)

    def _log(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def open(self, url):
        """Load a page to its end."""
        self.page.goto(url)

    def run(self, script):
        """Return the value of a JavaScript expression, awaited if it is a promise."""
        return self.page.evaluate(script)

    def wait_for(self, condition):
        """Return once a JavaScript expression is true."""
        self.page.wait_for_function(f"() => Boolean({condition})")

    def show_at(self, width, height, scheme="light"):
        """Set the size of the window and the preferred colour scheme."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)

    def accessibility_tree(self):
        """The nodes that a screen reader meets."""
        return self._devtools.send("Accessibility.getFullAXTree")["nodes"]

    def axe_violations(self, exclude=(), options=None):
        """Elements that break a rule of axe, by rule, without those below excluded selectors."""
        # The page's own policy may allow no script at all, as it may a user's extension.
        self._devtools.send("Page.setBypassCSP", {"enabled": True})
        self.page.evaluate(f"{AXE}; 0")
        found = self.page.evaluate(
            "([context, options]) => axe.run(context, options).then((result) => result.violations)",
            [{"include": [["html"]], "exclude": [[each] for each in exclude]}, options or {}],
        )
        self._devtools.send("Page.setBypassCSP", {"enabled": False})
        return {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in found}


@contextmanager
def open_browser():
    """A browser with one tab, closed with the block; skips without Chromium, but fails in CI."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pages were not tested: no Chromium")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS) as browser,
        browser.new_context() as context,
    ):
        yield Browser(context.new_page())

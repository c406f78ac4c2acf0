"""Headless Chromium, driven by its own protocol: no host but the loopback can be found."""

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import axe_core_python
import pytest
import requests
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_S = 120.0
# The rules of accessibility, as a script that a page runs.
AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text()


def require_chromium():
    """Skip the test where there is no Chromium; fail it in CI, which must have one."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pages were not tested: no Chromium")


class Browser:
    """One tab. `problems` holds what the page complained of: errors, and breaches of its policy."""

    def __init__(self, folder):
        require_chromium()
        self.problems = []
        self._number = 0
        command = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={folder / 'chromium'}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",),
            *("--remote-debugging-port=0", "about:blank"),
        ]
        self._log = folder / "chromium.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        timeout = {"open_timeout": TIMEOUT_S, "ping_interval": None}
        opened = connect(self._address(), max_size=None, proxy=None, **timeout)
        self._opened = ExitStack()
        self._socket = self._opened.enter_context(opened)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.notify(f"{domain}.enable")

    def close(self):
        self._opened.close()
        self._process.terminate()
        self._process.wait(TIMEOUT_S)

    def _address(self):
        """Where the tab is driven, once there is one."""
        deadline, pages = time.monotonic() + TIMEOUT_S, []
        while not pages:
            said = self._log.read_text(errors="replace")
            assert self._process.poll() is None and time.monotonic() < deadline, said
            if found := re.search(r"DevTools listening on ws://(\S+?)/", said):
                tabs = requests.get(f"http://{found[1]}/json", timeout=TIMEOUT_S).json()
                pages = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
        (address,) = pages
        return address

    def notify(self, method, **params):
        """Send one command and return its result."""
        answer = self._ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def _ask(self, method, params):
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(TIMEOUT_S))
            if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.problems.append(message["params"])
            if message.get("id") == self._number:
                return message

    def run(self, script):
        """Return what a script, which may await, comes to."""
        answer = self._evaluate(script)
        assert "error" not in answer, answer
        return _value(answer)

    def open(self, url):
        self.run("window.isLeft = true; 0")
        self.notify("Page.navigate", url=url)
        arrived = f"!window.isLeft && location.href.startsWith({url!r})"
        self.wait_for(f"{arrived} && document.readyState == 'complete'")

    def wait_for(self, condition):
        """Return once a script comes to something true."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self._is_true(condition):
            assert time.monotonic() < deadline, (condition, self.run("document.body.innerText"))

    def _is_true(self, condition):
        answer = self._evaluate(f"Boolean({condition})")
        return "error" not in answer and _value(answer)  # a page may be left as it is asked

    def _evaluate(self, script):
        how = {"awaitPromise": True, "returnByValue": True}
        return self._ask("Runtime.evaluate", {"expression": script, **how})

    def save_to(self, folder):
        self.notify("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def type(self, text):
        self.notify("Input.insertText", text=text)

    def press(self, key, code):
        """Press and release a key of the keyboard."""
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        pressed = {"key": " " if key == "Space" else key, "windowsVirtualKeyCode": code}
        self.notify("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self.notify("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def show_at(self, width, height, scheme="light"):
        self.notify(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.notify("Emulation.setEmulatedMedia", features=[feature])


def _value(answer):
    result = answer["result"]
    assert "exceptionDetails" not in result, result
    return result["result"].get("value")

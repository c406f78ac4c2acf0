"""Rolling a host's scorer: a program stands in for Docker, its containers are real servers.

Clients ask through a proxy all the time; that none of them notices is the point of it all.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from tests.support import fake_docker

ROOT = Path(__file__).resolve().parents[2]
ROLL = ROOT / "deploy/aws/roll.sh"
NAME, FRONT = "nightcatch-scorer", "nightcatch-front"
TIMEOUT_S = 600


def image(kind, number=0):
    return f"registry.example/{kind}@sha256:{number:064x}"


OLD, NEW = image("good", 1), image("good", 2)


class Host:
    """A machine with Docker, a proxy before its scorers, and clients."""

    def __init__(self, folder):
        self.state, config, programs = folder / "docker", folder / "etc", folder / "bin"
        for each in (self.state, config / "keys", programs):
            each.mkdir(parents=True)
        (config / "scorer.env").touch()
        (config / "gate.json").write_text('{"url": "http://example.com/login"}')
        docker = programs / "docker"
        docker.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {fake_docker.__file__} "$@"\n')
        docker.chmod(0o755)
        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), proxy_to(self))
        threading.Thread(target=self.proxy.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.proxy.server_port}"
        self.env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "FAKE_DOCKER": str(self.state),
            "ROLL_CONFIG": str(config),
            "ROLL_FRONT_URL": self.url,
            "ROLL_LOCK": str(folder / "lock"),
            "ROLL_READY_S": "60",
            "ROLL_KNOWN_S": "0",
            "ROLL_WATCH_S": "0",
        }

    def containers(self):
        """Each container's image by the rest of its name, whether it runs and is in front."""
        found = {}
        for file in self.state.glob("[!.]*.json"):
            try:
                each = json.loads(file.read_text())
            except FileNotFoundError:
                continue  # renamed meanwhile
            found[file.stem.removeprefix(NAME)] = each
        return found

    def serving(self):
        return [
            each
            for each in self.containers().values()
            if FRONT in each["networks"] and fake_docker.is_alive(each["pid"])
        ]

    def docker(self, *words):
        subprocess.run(
            [self.env["PATH"].split(":")[0] + "/docker", *words], env=self.env, check=True
        )

    def begin(self, *words, **env):
        return subprocess.Popen(
            ["bash", ROLL, *words], env={**self.env, **env}, text=True, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def roll(self, *words, **env):
        """The exit status and the last line."""
        process = self.begin(*words, **env)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, output.splitlines()[-1].removeprefix("roll: ")

    def ask(self):
        with urllib.request.urlopen(self.url + "/predict", data=b"{}", timeout=60) as answer:
            return json.load(answer)["image"]

    def wait_until(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, self.containers()
            time.sleep(0.005)

    def close(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        # By their words: of one whose `docker` was killed as it started it no file tells the pid.
        for process in psutil.process_iter(["cmdline"]):
            if any(word.startswith(str(self.state)) for word in process.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


def proxy_to(host):
    """As deploy/nginx.conf: every scorer in front is tried; 502 if there is none."""

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer, tried = 502, b"{}", set()
            # Looked up again after each that failed: it may have made room for another one.
            while fresh := {each["port"] for each in host.serving()} - tried:
                tried.add(port := fresh.pop())
                url = f"http://127.0.0.1:{port}{self.path}"
                asked = urllib.request.Request(url, body, {"Via": "proxy"})
                try:
                    with urllib.request.urlopen(asked, timeout=60) as found:
                        status, answer = found.status, found.read()
                    break
                except OSError:
                    continue
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Keep still."""

    return Proxy


class Clients(threading.Thread):
    """Asks one question after the other until told to stop."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self._host, self._stopped = host, threading.Event()
        self.images, self.failed = set(), 0

    def run(self):
        while not self._stopped.wait(0.05):
            try:
                self.images.add(self._host.ask())
            except OSError:
                self.failed += 1

    def __enter__(self):
        self.start()
        self._host.wait_until(lambda: self.images)
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self.join()


@pytest.fixture
def empty(tmp_path):
    host = Host(tmp_path)
    yield host
    host.close()


@pytest.fixture
def host(empty):
    """One that serves the old image, as a roll leaves it."""
    empty.docker("run", "--detach", "--name", NAME, "--network", FRONT, OLD)
    return empty


def test_a_first_one_serves(empty):
    assert empty.roll(OLD) == (0, f"{OLD} serves")
    assert list(empty.containers()) == [""]
    assert empty.ask() == OLD


def test_a_good_one_takes_over_and_no_client_notices(host):
    with Clients(host) as clients:
        ended = host.roll(NEW)
        host.wait_until(lambda: NEW in clients.images)
    found = host.containers()

    assert ended == (0, f"{NEW} serves")
    assert (clients.images, clients.failed) == ({OLD, NEW}, 0)
    assert {rest: each["image"] for rest, each in found.items()} == {"": NEW, "-previous": OLD}
    assert [each["image"] for each in host.serving()] == [NEW]


def test_only_the_one_before_is_kept(host):
    newest = image("good", 3)
    host.roll(NEW)
    host.roll(newest)

    assert {rest: each["image"] for rest, each in host.containers().items()} == {
        "": newest,
        "-previous": NEW,
    }


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("absent", "could not be pulled"),
        ("ends", "did not become ready"),
        ("unready", "did not become ready"),
        ("wrong", "did not answer the gate's question"),
        ("shy", "did not answer behind the proxy"),
    ],
)
def test_a_bad_one_is_refused_with_a_reason_and_the_old_one_serves(host, kind, reason):
    bad = image(kind)
    with Clients(host) as clients:
        ended = host.roll(bad, ROLL_READY_S="2" if kind == "unready" else "60")
    found = host.containers()

    assert ended == (1, f"{bad} {reason}; {OLD} serves as before")
    assert {rest: each["image"] for rest, each in found.items()} == {"": OLD}
    assert host.ask() == OLD
    assert clients.images == {OLD}
    # Only the one that fails where clients can see it costs them anything.
    assert kind == "shy" or clients.failed == 0


def test_an_image_of_another_provenance_is_not_even_pulled(host):
    verify = Path(host.env["ROLL_CONFIG"]) / "verify"
    verify.write_text(f'#!/bin/sh\n[ "$1" = "{NEW}" ]\n')
    verify.chmod(0o755)
    other = image("good", 3)

    assert host.roll(other) == (
        1,
        f"{other} is not of a provenance that this host accepts; {OLD} serves as before",
    )
    assert list(host.containers()) == [""]
    assert host.roll(NEW) == (0, f"{NEW} serves")


def on_trial(host):
    return "-next" in host.containers()


def both_in_front(host):
    return len(host.serving()) == 2


def alone_in_front(host):
    return on_trial(host) and [each["image"] for each in host.serving()] == [NEW]


@pytest.mark.parametrize(
    ("moment", "known_s"), [(on_trial, "1"), (both_in_front, "600"), (alone_in_front, "1")]
)
def test_a_killed_roll_is_undone_by_the_next_call(host, moment, known_s):
    roll = host.begin(NEW, ROLL_KNOWN_S=known_s, ROLL_WATCH_S="600")
    host.wait_until(lambda: moment(host))
    os.killpg(roll.pid, signal.SIGKILL)
    roll.communicate()

    assert host.roll("--settle") == (0, "settled")
    assert {rest: each["image"] for rest, each in host.containers().items()} == {"": OLD}
    assert host.ask() == OLD


def test_a_roll_told_to_stop_undoes_itself(host):
    roll = host.begin(NEW, ROLL_KNOWN_S="1", ROLL_WATCH_S="600")
    host.wait_until(lambda: alone_in_front(host))
    roll.send_signal(signal.SIGTERM)
    output, _ = roll.communicate(timeout=TIMEOUT_S)

    assert (roll.returncode, output.splitlines()[-1]) == (
        1,
        f"roll: stopped by a signal; {OLD} serves as before",
    )
    assert host.ask() == OLD


def test_a_roll_killed_between_the_two_new_names_is_completed(host):
    host.docker("run", "--detach", "--name", f"{NAME}-next", "--network", FRONT, NEW)
    host.docker("rename", NAME, f"{NAME}-previous")

    assert host.roll("--settle") == (0, "settled")
    assert host.containers()[""]["image"] == NEW
    assert host.containers()["-previous"]["image"] == OLD


def test_a_first_one_that_is_bad_leaves_nothing(empty):
    bad = image("unready")

    assert empty.roll(bad, ROLL_READY_S="1") == (
        3,
        f"{bad} did not become ready; nothing served before, so nothing serves",
    )
    assert empty.containers() == {}


def test_what_cannot_be_undone_says_so_and_leaves_what_there_is(empty):
    empty.docker("run", "--detach", "--name", NAME, "--network", FRONT, image("once"))
    status, sentence = empty.roll(image("shy"))

    assert status == 3
    assert sentence.endswith("and the old one did not come back: look at this host")
    assert set(empty.containers()) == {"", "-next"}


def test_the_one_before_comes_back(host):
    host.roll(NEW)
    with Clients(host) as clients:
        ended = host.roll("--back", NEW)

    assert ended == (0, f"{OLD} serves")
    assert (host.ask(), clients.failed) == (OLD, 0)
    assert host.containers()["-previous"]["image"] == NEW


def test_only_the_image_in_question_is_taken_back(host):
    assert host.roll("--back", NEW) == (0, f"{NEW} does not serve here")
    assert host.roll("--back") == (2, "there is no earlier one to go back to")
    assert host.ask() == OLD


def test_one_roll_at_a_time(host):
    first = host.begin(image("unready"))
    host.wait_until(lambda: on_trial(host))
    second = host.roll(NEW)
    first.terminate()
    first.communicate(timeout=TIMEOUT_S)

    assert second == (2, "another roll is under way")


@pytest.mark.parametrize(
    "words", [(), ("registry.example/good:latest",), (OLD, NEW), ("--forward",)]
)
def test_an_image_is_named_by_its_digest(empty, words):
    status, sentence = empty.roll(*words)

    assert status == 2
    assert sentence.startswith("usage:")

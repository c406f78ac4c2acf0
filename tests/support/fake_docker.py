"""Enough of `docker` to roll containers that are real processes; run as the program itself.

A container is a JSON file under FAKE_DOCKER, and a process of tests/support/fake_scorer.py.
The last word
of an image's path says how it behaves.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("FAKE_DOCKER", ""))


def kind_of(image):
    return image.partition("@")[0].rpartition("/")[2]


def load(name):
    try:
        return json.loads((FOLDER / f"{name}.json").read_text())
    except FileNotFoundError:
        sys.exit(f"Error: No such container: {name}")


def save(name, container):
    draft = FOLDER / f".{name}.{os.getpid()}"
    draft.write_text(json.dumps(container))
    draft.rename(FOLDER / f"{name}.json")


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start(name):
    container = load(name)
    if container["kind"] == "once" and container["pid"]:
        sys.exit("Error: cannot start it again")
    port_file = FOLDER / f".port.{os.getpid()}"
    program = Path(__file__).with_name("fake_scorer.py")
    os.closerange(3, 256)  # what a caller has open, such as a lock, is not a container's
    nothing = os.open(os.devnull, os.O_RDWR)
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-IS", program, container["kind"], container["image"], port_file],
        {},
        setsid=True,
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in range(3)],
    )
    while not port_file.exists() and is_alive(pid):
        time.sleep(0.005)
    port = int(port_file.read_text()) if port_file.exists() else 0
    port_file.unlink(missing_ok=True)
    save(name, {**container, "pid": pid, "port": port})


def stop(name):
    pid = load(name)["pid"]
    if is_alive(pid):
        os.kill(pid, signal.SIGTERM)
    while is_alive(pid):
        time.sleep(0.005)


def inspect(name, template=None):
    container = load(name)
    if template is None:
        print("[{}]")
    elif "Running" in template:
        print(str(is_alive(container["pid"])).lower())
    elif "Image" in template:
        print(container["image"])
    elif "Networks" in template:
        print(*container["networks"], sep="\n")


def main(*words):
    match words:
        case ["pull", "--quiet", image] if kind_of(image) == "absent":
            sys.exit("Error: manifest unknown")
        case ["pull", "--quiet", image]:
            print(image)
        case ["run", "--detach", "--name", name, *options, image]:
            network = options[options.index("--network") + 1]
            fresh = {"image": image, "kind": kind_of(image), "pid": 0, "networks": [network]}
            save(name, fresh)
            start(name)
        case ["container", "inspect", "--format", template, name]:
            inspect(name, template)
        case ["container", "inspect", name]:
            inspect(name)
        case ["port", name, "8000/tcp"]:
            print(f"127.0.0.1:{load(name)['port']}")
        case ["network", "connect", "--alias", "scorer", network, name]:
            container = load(name)
            save(name, {**container, "networks": [*container["networks"], network]})
        case ["rename", old, new] if not (FOLDER / f"{new}.json").exists():
            (FOLDER / f"{old}.json").rename(FOLDER / f"{new}.json")
        case ["start", name]:
            start(name)
        case ["stop", "--time", _, name]:
            stop(name)
        case ["rm", "--force", "--volumes", name]:
            stop(name)
            (FOLDER / f"{name}.json").unlink()
        case ["logs", "--tail", _, name]:
            load(name)
        case ["image", "rm", _]:
            pass
        case _:
            sys.exit(f"fake docker: {' '.join(words)} is not known")


if __name__ == "__main__":
    main(*sys.argv[1:])

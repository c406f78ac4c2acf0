"""Parse the command line and run one command; an expected failure is one line and exit code 1.

Commands work on the embedded stack unless environment variables name servers of an installation.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import argcomplete
from argcomplete.shell_integration import shellcode

from include.cli.parser import build_parser
from include.cli.screen import Screen, complain
from include.errors import NightCatchError, SettingMissingError
from include.stack.interrupts import ignore_interrupts, one_interrupt

INTERRUPTED = 130
_EMBEDDED_ONLY = ("demo", "up", "down")
# The modules of `include.cli.commands`; a command that is not here is in `servers`. Imported late
# and one by one, so that no command waits for the libraries of another.
_MODULES = {
    **dict.fromkeys(("approve", "propose", "rollback", "versions"), "approvals"),
    **dict.fromkeys(("reproduce", "trace", "verify"), "lineage"),
    **dict.fromkeys(("allow", "block", "lists", "unlist"), "lists"),
    "check": "check",
    "demo": "demo",
    "export": "export",
    "feeds": "feeds",
    "retain": "retention",
    "score": "score",
}


def main(arguments: Sequence[str], root: Path, environ: Mapping[str, str]) -> int:
    """Return the exit code of one command.

    Parameters
    ----------
    arguments : sequence of str
        Arguments without the program's name.
    root : Path
        The checkout.
    environ : mapping of str to str

    Returns
    -------
    int
    """
    try:
        if arguments[:1] == ["test"]:  # not parsed: all other arguments are pytest's
            return _become(root, "pytest", [*_test_workers(), *arguments[1:]])
        parser = build_parser()
        argcomplete.autocomplete(parser)
        args = parser.parse_args(arguments)
        if args.command == "completion":
            print(shellcode(["nightcatch", "./nightcatch"], shell=args.shell))
            return 0
        if args.command == "docs":
            return _docs(root, environ)
        if args.command == "bench":
            return _bench(root, args.name, args.arguments)
        with one_interrupt():
            return _run(args, root, environ)
    except (NightCatchError, OSError) as err:
        complain(str(err))
        return 1


def _run(args: argparse.Namespace, root: Path, environ: Mapping[str, str]) -> int:
    from include.cli.installation import ConfiguredInstallation
    from include.config.installation import read_installation

    run = function_of(args.command)
    settings = read_installation(environ)
    if settings.names_a_server and args.command not in _EMBEDDED_ONLY:
        return int(run(ConfiguredInstallation(settings), args, Screen()))
    return _run_embedded(run, args, root, environ)


def function_of(command: str) -> Callable[..., int]:
    """Return what runs a command."""
    module = importlib.import_module(f"include.cli.commands.{_MODULES.get(command, 'servers')}")
    run: Callable[..., int] = getattr(module, command)
    return run


def _run_embedded(
    run: Callable[..., int], args: argparse.Namespace, root: Path, environ: Mapping[str, str]
) -> int:
    from include.cli.installation import EmbeddedInstallation
    from include.stack.settings import read_settings
    from include.stack.stack import Stack

    stack = Stack(read_settings(root, environ), environ)
    data_dir = environ.get("NIGHTCATCH_DATA_DIR")
    installation = EmbeddedInstallation(stack, Path(data_dir) if data_dir else None)
    try:
        try:
            return int(run(installation, args, Screen()))
        except Exception:
            ignore_interrupts()
            stack.stop_started()
            raise
    except KeyboardInterrupt:
        complain("interrupted; stopping what was started")
        stack.stop_started()
        return INTERRUPTED


def _docs(root: Path, environ: Mapping[str, str]) -> int:
    from include.cli.commands.docs import build_book

    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    site = build_book(root, Path(cache, "nightcatch"), root / ".local" / "docs")
    print(f"{site}/index.html\nwith search: python3 -m http.server --bind 127.0.0.1 -d {site} 8001")
    return 0


def _bench(root: Path, name: str | None, arguments: Sequence[str]) -> int:
    known = sorted(p.stem for p in (root / "bench").glob("*.py") if not p.stem.startswith("_"))
    if name is None:
        print("\n".join(known))
        return 0
    if name not in known:
        raise SettingMissingError(f"no measurement {name!r}; there are: {', '.join(known)}")
    return _become(root, f"bench.{name}", arguments)


def _test_workers() -> list[str]:
    """Return pytest's options for three workers on two cores; those typed after them win.

    A third of the time a worker waits for a server, a browser or a task of Airflow.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ["-n", str((cores or 1) * 3 // 2), "--dist", "loadfile", "--no-loadscope-reorder"]


def _become(root: Path, module: str, arguments: Sequence[str]) -> int:
    """Replace this process by a module, so that signals and exit codes are its own."""
    os.chdir(root)
    # A thread per core in each of several processes makes all of them slow.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606
    return 0

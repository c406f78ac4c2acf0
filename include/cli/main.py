"""From the command line to one call; every expected failure is one sentence and exit code 1."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.cli.parser import build_parser
from include.cli.screen import Screen, complain
from include.errors import NightCatchError, SettingMissingError
from include.stack.interrupts import ignore_interrupts, one_interrupt

INTERRUPTED = 130


def main(arguments: Sequence[str], root: Path, environ: Mapping[str, str]) -> int:
    """Return the exit code of one command.

    Parameters
    ----------
    arguments : sequence of str
        What was typed after the program's name.
    root : Path
        The checkout.
    environ : mapping of str to str

    Returns
    -------
    int
    """
    try:
        if arguments[:1] == ["test"]:  # not parsed: everything behind it is pytest's
            return _become(root, "pytest", [*_one_worker_per_core(), *arguments[1:]])
        args = build_parser().parse_args(arguments)
        if args.command == "bench":
            return _bench(root, args.name, args.arguments)
        with one_interrupt():
            return _run_with_stack(args, root, environ)
    except (NightCatchError, OSError) as err:
        complain(str(err))
        return 1


def _run_with_stack(args: argparse.Namespace, root: Path, environ: Mapping[str, str]) -> int:
    # Imported late, so that --help and test do not wait for database and cloud clients.
    from include.cli import commands
    from include.stack.settings import read_settings
    from include.stack.stack import Stack

    stack = Stack(read_settings(root, environ), environ)
    data_dir = environ.get("NIGHTCATCH_DATA_DIR")
    run = getattr(commands, args.command)
    try:
        try:
            return int(run(stack, args, Path(data_dir) if data_dir else None, Screen()))
        except Exception:
            ignore_interrupts()
            stack.stop_started()
            raise
    except KeyboardInterrupt:
        complain("interrupted; stopping what was started")
        stack.stop_started()
        return INTERRUPTED


def _bench(root: Path, name: str | None, arguments: Sequence[str]) -> int:
    known = sorted(p.stem for p in (root / "bench").glob("*.py") if not p.stem.startswith("_"))
    if name is None:
        print("\n".join(known))
        return 0
    if name not in known:
        raise SettingMissingError(f"no measurement {name!r}; there are: {', '.join(known)}")
    return _become(root, f"bench.{name}", arguments)


def _one_worker_per_core() -> list[str]:
    """Return pytest's options for a worker per core; those typed after them win."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ["-n", str(cores or 1), "--dist", "loadfile", "--no-loadscope-reorder"]


def _become(root: Path, module: str, arguments: Sequence[str]) -> int:
    """Let a module take this process's place, so that signals and exit codes are its own."""
    os.chdir(root)
    # A thread per core in each of several processes makes all of them slow.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606
    return 0

"""Looks for what keeps the stack from running on this machine, and names the remedy of each."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from include.cli.host_checks import (
    Check,
    check_clock,
    check_disk,
    check_packages,
    check_port,
    check_python,
    check_secrets,
)
from include.cli.screen import Screen
from include.cli.store_checks import check_conditional_writes, check_majority_write
from include.errors import NightCatchError
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stack.stack import Stack
from include.stack.startup import Server


def run_doctor(stack: Stack, screen: Screen) -> int:
    """Return 0 when nothing is broken, else 1; each finding is on screen.

    Of MongoDB and S3, one that does not run is tried out in a temporary folder.

    Parameters
    ----------
    stack : Stack
    screen : Screen

    Returns
    -------
    int
    """
    n_broken = 0
    for check in _checks(stack):
        screen.show(f"{'ok ' if check.ok else 'BAD'}  {check.name:<9} {check.finding}")
        if not check.ok:
            n_broken += 1
            screen.show(f"{'':<15}remedy: {check.remedy}")
    screen.show(f"\n{n_broken} broken; see the remedies" if n_broken else "\nnothing is broken")
    return 1 if n_broken else 0


def _checks(stack: Stack) -> Iterator[Check]:
    settings = stack.settings
    yield check_python()
    yield check_packages(settings.root / "requirements.txt")
    yield check_disk(settings.state_dir)
    yield check_secrets(settings.secrets_dir)
    for server in stack.servers:
        yield check_port(server)
    yield from _stores(stack)
    yield check_clock(settings.root / "requirements.txt")


def _stores(stack: Stack) -> list[Check]:
    with TemporaryDirectory(prefix="nightcatch-", ignore_cleanup_errors=True) as folder:
        mongo = stack.mongo if stack.mongo.process.pid else MongoServer(Path(folder))
        s3 = stack.s3 if stack.s3.process.pid else _trial_s3(Path(folder))
        trials: list[Server] = [each for each in (mongo, s3) if each not in stack.servers]
        try:
            with stack.starting(lambda text: None, trials):
                pass
            return [check_majority_write(mongo), check_conditional_writes(s3)]
        except NightCatchError as err:
            return [Check("stores", False, str(err), "install requirements.txt anew, free memory")]
        finally:
            stack.stop_started()


def _trial_s3(folder: Path) -> SeaweedServer:
    return SeaweedServer(folder, secrets.token_hex(10), secrets.token_hex(20))

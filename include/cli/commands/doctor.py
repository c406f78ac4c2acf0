"""Check the machine, the packages and the servers, and name a remedy for each fault."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from include.cli.commands.host_checks import (
    Check,
    check_clock,
    check_disk,
    check_packages,
    check_port,
    check_python,
    check_secrets,
)
from include.cli.commands.store_checks import check_conditional_writes, check_majority_write
from include.cli.installation import EmbeddedInstallation, Installation
from include.cli.screen import Screen
from include.errors import NightCatchError
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stack.stack import Stack
from include.stack.startup import Server
from include.stores.objects import ObjectStore

_ROOT = Path(__file__).resolve().parents[3]


def run_doctor(installation: Installation, screen: Screen) -> int:
    """Return 0 when nothing is broken, else 1; each finding is on screen.

    Of the embedded MongoDB and S3, one that does not run is started in a temporary folder.

    Parameters
    ----------
    installation : Installation
    screen : Screen

    Returns
    -------
    int
    """
    n_broken = 0
    for check in _checks(installation):
        screen.show(f"{'ok ' if check.ok else 'BAD'}  {check.name:<9} {check.finding}")
        if not check.ok:
            n_broken += 1
            screen.show(f"{'':<15}remedy: {check.remedy}")
    screen.show(f"\n{n_broken} broken; see the remedies" if n_broken else "\nnothing is broken")
    return 1 if n_broken else 0


def _checks(installation: Installation) -> Iterator[Check]:
    lock = _ROOT / "requirements.txt"
    yield check_python()
    yield check_packages(lock)
    if isinstance(installation, EmbeddedInstallation):
        stack = installation.stack
        yield check_disk(stack.settings.state_dir)
        yield check_secrets(stack.settings.secrets_dir)
        for server in stack.servers:
            yield check_port(server)
        yield from _stores(stack)
    else:
        yield check_majority_write(installation.mongo_url, "see the server's log")
        yield check_conditional_writes(installation.store)
    yield check_clock(lock)


def _stores(stack: Stack) -> list[Check]:
    with TemporaryDirectory(prefix="nightcatch-", ignore_cleanup_errors=True) as folder:
        mongo = stack.mongo if stack.mongo.process.pid else MongoServer(Path(folder))
        s3 = stack.s3 if stack.s3.process.pid else _temporary_s3(Path(folder))
        temporary: list[Server] = [each for each in (mongo, s3) if each not in stack.servers]
        try:
            with stack.starting(lambda text: None, temporary):
                pass
            see = f"see {mongo.process.log_path}; ./nightcatch down, then up"
            store = ObjectStore(s3.client(), s3.bucket)
            return [check_majority_write(mongo.url, see), check_conditional_writes(store)]
        except NightCatchError as err:
            return [Check("stores", False, str(err), "reinstall requirements.txt, free memory")]
        finally:
            stack.stop_started()


def _temporary_s3(folder: Path) -> SeaweedServer:
    return SeaweedServer(folder, secrets.token_hex(10), secrets.token_hex(20))

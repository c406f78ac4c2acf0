"""Find and check free TCP ports of the loopback."""

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from include.errors import PortTakenError

HOST = "127.0.0.1"
# Below the range from which Linux and macOS draw ports for outgoing connections.
_PICK_RANGE = range(15_000, 22_000)
# The UDP side of each picked port, held by this process: no other process picks it, and a server
# can still listen on its TCP side.
_reservations: list[socket.socket] = []


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on a loopback port now.

    Parameters
    ----------
    port : int
        TCP port of 127.0.0.1.

    Returns
    -------
    bool
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def pick_port(offsets: Sequence[int] = (0,)) -> int:
    """Return a random port that is free together with those at `offsets`.

    No port is picked twice while a process that picked it runs, whether its server listens or not.

    Parameters
    ----------
    offsets : sequence of int
        Distances from the port that must be free too; contains 0.

    Returns
    -------
    int

    Raises
    ------
    PortTakenError
        If no such port was found.
    """
    for port in random.sample(_PICK_RANGE, 200):
        if _reserve([port + offset for offset in offsets]):
            return port
    raise PortTakenError("no free port was found on 127.0.0.1 between 15000 and 22000")


def _reserve(ports: Sequence[int]) -> bool:
    """Reserve all of the ports if each is free and reserved by no process, else none."""
    with ExitStack() as opened:
        held = []
        for port in ports:
            held.append(opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            try:
                held[-1].bind((HOST, port))
            except OSError:
                return False
            if not port_is_free(port):
                return False
        opened.pop_all()
    _reservations.extend(held)
    return True


def require_free_ports(server: str, ports: Sequence[int], variable: str) -> None:
    """Return when every port is free for a server that is about to start.

    Parameters
    ----------
    server : str
        The server's name, for the message.
    ports : sequence of int
        TCP ports of 127.0.0.1.
    variable : str
        Environment variable that moves the server elsewhere.

    Raises
    ------
    PortTakenError
        If a port is taken.
    """
    for port in ports:
        if not port_is_free(port):
            raise PortTakenError(
                f"{server}: port {port} of {HOST} is taken by another program (perhaps another"
                f" NightCatch or another {server}); stop it, or set {variable} to a free port"
            )

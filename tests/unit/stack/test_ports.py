"""Ports that are picked for servers which start one after the other, or in several processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from include.stack.ports import pick_port, port_is_free

PICK = "from include.stack.ports import pick_port; print(*(pick_port([0, 1]) for _ in range(100)))"


def test_no_port_is_picked_twice_though_none_listens_yet():
    picked = [pick_port([0, 1]) for _ in range(100)]

    assert len({port + offset for port in picked for offset in (0, 1)}) == 200
    assert port_is_free(picked[0])


def test_processes_that_run_at_once_pick_different_ports():
    def pick(_):
        command = [sys.executable, "-c", PICK + "; input()"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, **pipes)
        return process, [int(port) for port in process.stdout.readline().split()]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(pick, range(4)))
    for process, _ in found:
        process.communicate("\n")

    ports = [port + offset for _, picked in found for port in picked for offset in (0, 1)]
    assert len(ports) == len(set(ports)) == 800

"""Ports that are picked for servers which start one after the other."""

from include.stack.ports import pick_port


def test_no_port_is_picked_twice_though_none_listens_yet():
    picked = [pick_port([0, 1]) for _ in range(300)]

    assert len({port + offset for port in picked for offset in (0, 1)}) == 600

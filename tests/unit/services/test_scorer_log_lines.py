"""Lines of log reach their file whole, in order, and without a request waiting for them."""

import os
import threading

import pytest

from include.services.scorer.telemetry.log_lines import LogLines


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def test_lines_are_written_in_order_and_never_torn(pipe):
    reading, writing = pipe
    blocks = []

    def read():
        while block := os.read(reading, 65536):
            blocks.append(block)

    reader = threading.Thread(target=read)
    reader.start()
    lines = LogLines(writing)
    lines.start()
    written = [b"%d %s\n" % (number, b"x" * (number % 300)) for number in range(3000)]
    for line in written:
        lines.add(line)
    lines.stop(60)
    os.close(writing)
    reader.join()

    assert b"".join(blocks) == b"".join(written)


def test_one_write_is_small_enough_to_be_whole_in_a_pipe(pipe):
    _, writing = pipe
    lines = LogLines(writing)
    for _ in range(1000):
        lines.add(b"x" * 99 + b"\n")
    sizes = [len(block) for block in lines._blocks()]
    os.close(writing)

    assert max(sizes) <= 4096
    assert sum(sizes) == 100_000


def test_a_log_that_nobody_reads_keeps_nobody_waiting(pipe):
    _, writing = pipe
    lines = LogLines(writing)
    lines.start()
    for _ in range(200_000):  # a pipe takes 64 KiB
        lines.add(b"x" * 99 + b"\n")
    lines.stop(timeout_s=0.1)

    assert len(lines._lines) <= 50_000

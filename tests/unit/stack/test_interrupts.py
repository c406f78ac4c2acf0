"""One signal ends a command, at the right moment; those behind it do not disturb the clean-up."""

import os
import signal

import pytest

from include.stack.interrupts import held_interrupts, one_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_interrupts_and_the_second_does_not(number: signal.Signals) -> None:
    cleaned_up = False
    with one_interrupt():
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            os.kill(os.getpid(), number)
            cleaned_up = True

    assert cleaned_up


def test_held_signal_interrupts_at_the_end_of_the_block() -> None:
    finished = False
    with one_interrupt(), pytest.raises(KeyboardInterrupt), held_interrupts():
        os.kill(os.getpid(), signal.SIGTERM)
        finished = True

    assert finished


def test_held_block_without_a_signal_ends_quietly() -> None:
    with one_interrupt(), held_interrupts():
        pass


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with one_interrupt():
        during = signal.getsignal(signal.SIGTERM)

    assert during != before
    assert signal.getsignal(signal.SIGTERM) == before

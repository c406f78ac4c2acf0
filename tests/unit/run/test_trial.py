import threading

import numpy as np

from include.run.steps.serving_checks import median_latency_us

ITEMS = np.zeros((5, 3))


def test_waiting_for_a_core_is_no_latency_of_a_model():
    never = threading.Event()
    latency_us = median_latency_us(lambda item: never.wait(0.002), ITEMS)

    assert latency_us < 2_000


def test_work_is():
    small = median_latency_us(lambda item: sum(range(200)), ITEMS)
    large = median_latency_us(lambda item: sum(range(20_000)), ITEMS)

    assert large > 10 * small

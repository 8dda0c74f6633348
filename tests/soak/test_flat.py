"""Series that are flat pass, series that grow do not."""

import random

import pytest
from flat import LEAST, MB, MEASURES, Measure, grown

BY_NAME = {measure.name: measure for measure in MEASURES}
FLAT = {"pss": 200 * MB, "objects": 50_000, "descriptors": 40, "threads": 6, "processes": 3}


def series(measure: Measure, leak: float, length: int = LEAST * 2) -> list[float]:
    """One that warms up, with noise where there is some, and a leak a round."""
    noise = random.Random(measure.name)
    level = FLAT[measure.name]
    warm = [level * min(1, 0.5 + number / 10) for number in range(length)]
    swing = 0.01 if measure.share else 0
    return [w * (1 + noise.uniform(-swing, swing)) + leak * n for n, w in enumerate(warm)]


@pytest.mark.parametrize("name", BY_NAME)
def test_flat(name: str) -> None:
    measure = BY_NAME[name]
    assert grown(measure, series(measure, 0), series(measure, 0)) == ""


@pytest.mark.parametrize("name", BY_NAME)
def test_a_leak_is_found(name: str) -> None:
    measure = BY_NAME[name]
    leak = {"pss": 2 * MB, "objects": 200}.get(name, 0.5)
    found = grown(measure, series(measure, leak), series(measure, 0))
    assert found.startswith(f"{name} grew by ")


@pytest.mark.parametrize("name", BY_NAME)
def test_no_more_than_stock(name: str) -> None:
    measure = BY_NAME[name]
    leak = {"pss": 2 * MB, "objects": 200}.get(name, 0.5)
    assert grown(measure, series(measure, leak), series(measure, leak)) == ""

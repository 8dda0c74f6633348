"""A JVM that may open no more descriptors: an error or the answer, and the next query works."""

import sys
from pathlib import Path

import pytest

from faults.programs import seen

APP = Path(__file__).parent / "apps" / "few_descriptors.py"
ANSWER = 4000 * 4001 // 2


@pytest.mark.slow
def test_a_process_without_descriptors(tmp_path: Path) -> None:
    """The limit is the JVM's, and with it that of the daemon and the workers that it starts."""
    by_engine = seen([sys.executable, APP], tmp_path)
    assert len(by_engine) == 3
    for engine, outcomes in by_engine.items():
        _, found, after = zip(*outcomes, strict=True)
        assert set(after) == {ANSWER}, (engine, outcomes)
        assert found[-1] == ANSWER, (engine, outcomes)
        # Never a wrong answer.
        assert not {each for each in found if isinstance(each, int)} - {ANSWER}, outcomes
    # What little suffices to stock suffices to Hydrofoil.
    least = {
        engine: next(room for room, found, _ in outcomes if found == ANSWER)
        for engine, outcomes in by_engine.items()
    }
    assert by_engine["stock"][0][1] != ANSWER
    assert max(least.values()) == least["stock"], by_engine

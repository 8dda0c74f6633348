"""A JVM that may open no more descriptors: an error or the answer, and the next query works."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parent / "apps" / "few_descriptors.py"
ANSWER = 4000 * 4001 // 2


@pytest.mark.slow
def test_a_process_without_descriptors(tmp_path: Path) -> None:
    """The limit is the JVM's, and with it that of the daemon and the workers that it starts."""
    done = subprocess.run(
        [sys.executable, APP],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"SPARK_CONF_DIR": str(tmp_path)},
        timeout=300,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(said) == 1, done.stdout + done.stderr[-4000:]
    seen = json.loads(said[0].removeprefix("SEEN "))
    assert len(seen) == 3
    for engine, outcomes in seen.items():
        _, found, after = zip(*outcomes, strict=True)
        assert set(after) == {ANSWER}, (engine, outcomes)
        assert found[-1] == ANSWER, (engine, outcomes)
        # Never a wrong answer.
        assert not {each for each in found if isinstance(each, int)} - {ANSWER}, outcomes
    # What little suffices to stock suffices to Hydrofoil.
    least = {
        engine: next(room for room, found, _ in outcomes if found == ANSWER)
        for engine, outcomes in seen.items()
    }
    assert seen["stock"][0][1] != ANSWER
    assert max(least.values()) == least["stock"], seen

"""pytest-benchmark suite: the worker's CPU time for each case and engine.

`python -m benchmarks.report` alternates engines and compares with the targets; this suite is for
pytest-benchmark's own tools (--benchmark-compare, --benchmark-histogram).
"""

from typing import Any

import pytest

from benchmarks.cases import CASES
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.replay.answer import read_answer
from hydrofoil.tools.replay.player import ENGINES, Player, Run

_spent = 0.0


def worker_cpu() -> float:
    """The clock of this suite: CPU seconds of all workers that it has run so far."""
    return _spent


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.benchmark(timer=worker_cpu)
def test_worker(
    benchmark: Any, player: Player, recorded: dict[str, Recording], name: str, engine: str
) -> None:
    recording = recorded[name]

    def replay() -> Run:
        global _spent
        run = player.play(recording, engine)
        _spent += run.cpu
        return run

    expected = read_answer(player.play(recording, "stock").output, recording)
    benchmark.group = name
    run = benchmark.pedantic(replay, rounds=5)
    answer = read_answer(run.output, recording)
    assert expected.difference(answer) is None
    benchmark.extra_info["rows"] = answer.rows
    benchmark.extra_info["wall_s_of_last_run"] = run.wall

from collections.abc import Iterator

import pytest

from benchmarks.recordings import recordings
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.replay.player import Player


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", type=int, help="rows of each case, instead of its own number")


@pytest.fixture(scope="session")
def recorded(request: pytest.FixtureRequest) -> dict[str, Recording]:
    return recordings(rows=request.config.getoption("--rows"))


@pytest.fixture(scope="session")
def player(recorded: dict[str, Recording]) -> Iterator[Player]:
    # All of them come from one session, so they share one environment.
    with Player(next(iter(recorded.values())).environment) as player:
        yield player

"""One recorded task under cProfile.

Run as ``python -m hydrofoil.tools.bench.profiled RECORDING WORKER FILE``.
Prints JSON: the number of calls, seconds, those in the user's function, and the profiler's table.
"""

import contextlib
import cProfile
import io
import json
import os
import pstats
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hydrofoil.recordings.recording import Recording

# As many lines of the table as say something.
_LINES = 14


@dataclass(frozen=True)
class Profile:
    """What cProfile saw; its own cost is in it.

    Attributes
    ----------
    calls : int
    seconds, function_seconds : float
        In all, and in the user's function.
    table : str
    """

    calls: int
    seconds: float
    function_seconds: float
    table: str

    @property
    def exchange_share(self) -> float:
        """The share of time that is not the user's function, 0 to 1."""
        return 1 - self.function_seconds / self.seconds


def profile(recording: "Recording", worker: str, file: str, folder: Path) -> Profile:
    """Run a task under cProfile in a process of its own, once it has run without.

    Parameters
    ----------
    recording : Recording
        Its function has to be a lambda.
    worker : str
        "module:function".
    file : str
        Where the lambda was written.
    folder : Path
        Where the recording may be put.
    """
    path = folder / "profiled.hfrec"
    recording.save(path)
    done = subprocess.run(
        [sys.executable, "-m", "hydrofoil.tools.bench.profiled", str(path), worker, file],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | recording.environment,
    )
    return Profile(**json.loads(done.stdout.splitlines()[-1]))


def _main() -> None:
    from hydrofoil.recordings.recording import Recording
    from hydrofoil.tools.replay.host import resolve

    path, worker, file = sys.argv[1:]
    # Figures go to standard output, so whatever the worker prints must go elsewhere.
    figures = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    data, main = Recording.load(path).data, resolve(worker)
    profiler = cProfile.Profile()
    for run in (_run, profiler.runcall):
        with contextlib.suppress(SystemExit):
            run(main, io.BytesIO(data), io.BytesIO())
    text = io.StringIO()
    stats = pstats.Stats(profiler, stream=text)
    stats.strip_dirs().sort_stats("tottime").print_stats(_LINES)
    entries = stats.stats  # type: ignore[attr-defined]
    name = Path(file).name  # Folders are stripped.
    function = sum(
        entry[2] for key, entry in entries.items() if (key[0], key[2]) == (name, "<lambda>")
    )
    made = Profile(
        stats.total_calls,  # type: ignore[attr-defined]
        stats.total_tt,  # type: ignore[attr-defined]
        function,
        text.getvalue().strip(),
    )
    with figures:
        json.dump(vars(made), figures)


def _run(main: object, *files: io.BytesIO) -> None:
    assert callable(main)
    main(*files)


if __name__ == "__main__":
    _main()

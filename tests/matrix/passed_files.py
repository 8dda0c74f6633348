"""Which files of the package run for a recorded task: once for the task, and for a batch.

As a program it reads a recording, runs it twice and writes the files of the second run as JSON, a
list for each. What reads the functions and plans runs once for a task; what runs from then on,
until the task's trace is published, runs for each batch.
"""

import io
import json
import pickle
import sys
from pathlib import Path
from types import FrameType

import hydrofoil

SOURCES = Path(hydrofoil.__file__).parent
PLANNED = (str(SOURCES / "spark/stock/worker.py"), "read_udfs")
ENDED = (str(SOURCES / "counts/task_trace.py"), "publish")


class Files:
    """A profiler that notes the files whose functions are called, in this order."""

    def __init__(self) -> None:
        self.once: dict[str, None] = {}
        self.each: dict[str, None] = {}
        self._noted = self.once

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        here = (code.co_filename, code.co_name)
        if event == "return" and here == PLANNED:
            self._noted = self.each
        elif event == "call" and here == ENDED:
            self._noted = {}
        elif event == "call" and code.co_filename.startswith(str(SOURCES)):
            self._noted[str(Path(code.co_filename).relative_to(SOURCES))] = None


def main() -> None:
    data = pickle.load(sys.stdin.buffer)
    from hydrofoil import worker

    for files in (Files(), Files()):
        sys.setprofile(files)
        try:
            worker.main(io.BytesIO(data), io.BytesIO())
        finally:
            sys.setprofile(None)
    print(json.dumps([list(files.once), list(files.each)]))


if __name__ == "__main__":
    main()

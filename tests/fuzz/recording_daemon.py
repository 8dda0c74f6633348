"""Hydrofoil's daemon, whose workers keep what they read: stock's can't read all that ours sends.

Named by `hydrofoil.daemon.IN_PLACE`; recordings go where those of `hydrofoil record` go.
"""

import os
from pathlib import Path
from typing import BinaryIO

from hydrofoil import daemon
from hydrofoil.process.task_main import TaskMain
from hydrofoil.tools.replay.recorder import FOLDER_VARIABLE, TeeReader


def kept(run: TaskMain) -> TaskMain:
    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        reader = TeeReader(infile, Path(os.environ[FOLDER_VARIABLE]))
        try:
            run(reader, outfile)  # type: ignore[arg-type]
        finally:
            reader.finish()

    return main


def main() -> None:
    daemon.main(kept)

"""What a profiled process writes: lines of JSON, one file a process, in a folder all can see."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from hydrofoil import private

# Names the folder that `hydrofoil profile` wants its figures in.
FOLDER = "_HYDROFOIL_PROFILE"
SUFFIX = ".jsonl"


class Log:
    """The file of this process. Each line is whole, so a process may be killed at any time."""

    def __init__(self, folder: Path, role: str) -> None:
        self.stem = folder / f"{role}-{socket.gethostname()}-{os.getpid()}"
        self.path = self.stem.with_name(self.stem.name + SUFFIX)

    def write(self, record: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8", opener=private.opener) as file:
            file.write(json.dumps(record) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The records of one process, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

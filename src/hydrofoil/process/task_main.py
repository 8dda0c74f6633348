"""What runs a task, whoever made it: the type that daemons, workers and wrappers agree on."""

from typing import BinaryIO, Protocol


class TaskMain(Protocol):
    """Runs one task."""

    def __call__(self, infile: BinaryIO, outfile: BinaryIO) -> None: ...

"""Files and folders that nobody but their owner can read: what functions see, and what they are."""

import os

_FILE, _FOLDER = 0o600, 0o700


def opener(path: str, flags: int) -> int:
    """For ``open(opener=)``. A file that is there already keeps its mode."""
    return os.open(path, flags | os.O_CLOEXEC, _FILE)


def make_folder(path: "str | os.PathLike[str]") -> None:
    """Make a folder and those above it, unless they are there; they keep their modes then."""
    os.makedirs(path, _FOLDER, exist_ok=True)

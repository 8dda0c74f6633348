"""Recorded tasks: what the JVM sent workers, by Spark's operators and by Hydrofoil's.

``tasks`` has those of the newest Spark that is supported, which worker's inputs change in parts;
`recording` makes them again.
"""

import json
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from hydrofoil.recordings.recording import SUFFIX, Recording

FOLDER = Path(__file__).parent / "tasks"
HEAD, DATA = "head", "data"
_INIT = struct.Struct(">ii")
# How pickled functions begin; none is as short as their length's bytes.
_PICKLE = b"\x80\x05\x95"


@dataclass(frozen=True)
class Task:
    """A recorded task, in parts.

    Attributes
    ----------
    head : bytes
        The init message, up to the first function's length.
    functions : bytes
        The rest of it.
    data : bytes
        What comes behind.
    """

    name: str
    recording: Recording
    head: bytes
    functions: bytes
    data: bytes

    def with_part(self, part: str, changed: bytes) -> bytes:
        """What the JVM would send with one part changed."""
        parts = {HEAD: self.head, DATA: self.data, part: changed}
        init = parts[HEAD] + self.functions
        return _INIT.pack(_MARKER, len(init)) + init + parts[DATA]


_MARKER = -8  # Of an init message, since Spark 4.3.


def tasks() -> list[Task]:
    """All tasks that were recorded."""
    return [task_of(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))]


def task_of(path: Path) -> Task:
    recording = Recording.load(path)
    _, size = _INIT.unpack_from(recording.data)
    init, data = recording.data[8 : 8 + size], recording.data[8 + size :]
    # Nothing in the recording depends on Python's version but what is compared with it.
    split, [_, *texts], rest = fields(init)
    init = joined(split, [".".join(map(str, sys.version_info[:2])).encode(), *texts], rest)
    at = init.index(_PICKLE) - 4
    return Task(path.stem, recording, init[:at], init[at:], data)


def without_places(recording: Recording) -> Recording:
    """The same task, as if it had been recorded anywhere."""
    _, size = _INIT.unpack_from(recording.data)
    split, [version, context, _], rest = fields(recording.data[8 : 8 + size])
    told = json.loads(context)
    told["localProperties"] = {}
    init = joined(split, [version, json.dumps(told).encode(), b"/tmp"], rest)
    data = _INIT.pack(_MARKER, len(init)) + init + recording.data[8 + size :]
    return replace(recording, data=data, environment={})


def fields(init: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The partition's number; Python's version, the context, a folder; what comes behind."""
    at, texts = 4, []
    for _ in range(3):
        size = int.from_bytes(init[at : at + 4], "big")
        texts.append(init[at + 4 : at + 4 + size])
        at += 4 + size
    return init[:4], texts, init[at:]


def joined(split: bytes, texts: list[bytes], rest: bytes) -> bytes:
    return b"".join([split, *(len(text).to_bytes(4, "big") + text for text in texts), rest])

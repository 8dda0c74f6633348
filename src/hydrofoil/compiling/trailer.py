"""The document as bytes behind a pickled function, where unpickling does not look."""

import json
import struct
from typing import Any

MAGIC = b"HYDROFIR"


def trailer(document: dict[str, Any]) -> bytes:
    """The document in UTF-8, the length of that in 8 bytes, big end first, and 8 bytes of magic."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    return text + struct.pack(">Q", len(text)) + MAGIC


def document_of(command: bytes) -> dict[str, Any] | None:
    """The document behind a pickled function, if one is there."""
    if not command.endswith(MAGIC):
        return None
    end = len(command) - len(MAGIC) - 8
    (length,) = struct.unpack(">Q", command[end : end + 8])
    found: dict[str, Any] = json.loads(command[end - length : end])
    return found

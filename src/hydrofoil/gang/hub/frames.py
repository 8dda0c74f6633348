"""What ranks and driver send each other, each in one record: a JSON header and one blob.

Nothing here is unpickled: blobs pass through the hub as they are.
"""

import json
import struct
from typing import Any

from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.channel.records import Buffer

Header = dict[str, Any]

MOST_BLOB = 1 << 30  # Bytes of what ranks gather, all together.
_MOST_HEADER = 16 << 20
_LENGTH = struct.Struct("!I")
MOST = _LENGTH.size + _MOST_HEADER + MOST_BLOB


def encode(header: Header, blob: bytes = b"") -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join([_LENGTH.pack(len(text)), text, blob])


def decode(record: Buffer) -> tuple[Header, bytes]:
    view = memoryview(record)
    if len(view) < _LENGTH.size:
        raise ChannelError(f"a message of {len(view)} bytes")
    [length] = _LENGTH.unpack(view[: _LENGTH.size])
    text = bytes(view[_LENGTH.size : _LENGTH.size + length])
    try:
        header = json.loads(text)
    except ValueError as error:
        raise ChannelError(f"a header that is no JSON: {text[:40]!r}") from error
    if not isinstance(header, dict) or "kind" not in header:
        raise ChannelError(f"a header without kind: {text[:40]!r}")
    return header, bytes(view[_LENGTH.size + length :])

"""Frames between ranks and driver: a JSON header and one blob, each behind its length.

Nothing here is unpickled: blobs pass through the hub as they are. A connection starts with a
mutual proof of the run's token; until then neither side reads more than a fixed number of bytes.
"""

import asyncio
import hmac
import json
import os
import struct
from typing import Any, BinaryIO

Header = dict[str, Any]

MAX_BLOB = 1 << 30
_MAX_HEADER = 16 << 20
_LENGTHS = struct.Struct("!IQ")
_MAGIC = b"hydrofoil gang 1"
_NONCE = 32
GREETING = len(_MAGIC) + _NONCE  # Bytes of the server's first message.
ANSWER = 32 + _NONCE  # Of the client's.
PROOF = 32  # Of the server's second.


class FrameError(Exception):
    """The other side doesn't speak this protocol, or doesn't know the token."""


def encode(header: Header, blob: bytes = b"") -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join([_LENGTHS.pack(len(text), len(blob)), text, blob])


def read(stream: BinaryIO) -> tuple[Header, bytes] | None:
    """Read a frame of a blocking stream; ``None`` at its end."""
    start = stream.read(_LENGTHS.size)
    if len(start) < _LENGTHS.size:
        return None
    text_length, blob_length = _checked(start)
    text, blob = stream.read(text_length), stream.read(blob_length)
    if len(text) < text_length or len(blob) < blob_length:
        return None
    return _parsed(text), blob


async def read_async(stream: asyncio.StreamReader) -> tuple[Header, bytes]:
    """Read a frame; ``asyncio.IncompleteReadError`` at the stream's end."""
    text_length, blob_length = _checked(await stream.readexactly(_LENGTHS.size))
    text = await stream.readexactly(text_length)
    return _parsed(text), await stream.readexactly(blob_length)


def _checked(start: bytes) -> tuple[int, int]:
    text_length, blob_length = _LENGTHS.unpack(start)
    if text_length > _MAX_HEADER or blob_length > MAX_BLOB:
        raise FrameError(f"a frame of {text_length} + {blob_length} bytes")
    return text_length, blob_length


def _parsed(text: bytes) -> Header:
    try:
        header = json.loads(text)
    except ValueError as error:
        raise FrameError(f"a header that is no JSON: {text[:40]!r}") from error
    if not isinstance(header, dict) or "kind" not in header:
        raise FrameError(f"a header without kind: {text[:40]!r}")
    return header


def greeting() -> tuple[bytes, bytes]:
    """Make the server's first message, and the nonce in it."""
    nonce = os.urandom(_NONCE)
    return _MAGIC + nonce, nonce


def answer(token: bytes, greeted: bytes) -> tuple[bytes, bytes]:
    """Answer a greeting; also return the proof that the server has to give in turn."""
    if not greeted.startswith(_MAGIC) or len(greeted) != GREETING:
        raise FrameError(f"a greeting that is not a hub's: {greeted[:16]!r}")
    theirs, ours = greeted[len(_MAGIC) :], os.urandom(_NONCE)
    return _proof(token, b"rank", theirs, ours) + ours, _proof(token, b"hub", theirs, ours)


def check_answer(token: bytes, nonce: bytes, answered: bytes) -> bytes:
    """Check a client's answer; return the proof to give in turn."""
    proof, theirs = answered[:PROOF], answered[PROOF:]
    if not hmac.compare_digest(proof, _proof(token, b"rank", nonce, theirs)):
        raise FrameError("a connection with a wrong token")
    return _proof(token, b"hub", nonce, theirs)


def check_proof(expected: bytes, proof: bytes) -> None:
    if not hmac.compare_digest(expected, proof):
        raise FrameError("a hub with a wrong token")


def _proof(token: bytes, side: bytes, hub_nonce: bytes, rank_nonce: bytes) -> bytes:
    return hmac.digest(token, side + hub_nonce + rank_nonce, "sha256")

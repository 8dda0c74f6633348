"""Records: a length, bytes, and codes that prove where both come from. No sockets.

A record is a head (the length of its bytes, and a code of that), the bytes, and a code of those.
Codes cover the record's number, which neither side sends, and the key of the direction. The length
has a code of its own so that a length that was changed lets nobody wait for bytes that don't come.
An empty record is the end of a stream: one that breaks off is not taken for a whole one.
"""

import hmac
import struct
from typing import Protocol

from hydrofoil.gang.channel.encryption import encryption
from hydrofoil.gang.channel.proof import ChannelError

Buffer = bytes | bytearray | memoryview

_LENGTH = struct.Struct("!Q")
_NUMBER = struct.Struct("!Q")
CODE = 16  # Bytes: half of SHA-256's, as in IPsec and in TLS with GCM.
HEAD = _LENGTH.size + CODE
_MOST = (1 << 31) - CODE - 1  # Bytes that AES-GCM takes at once.


class _Scheme(Protocol):
    def close(self, number: int, data: Buffer) -> tuple[Buffer, bytes]:
        """Return what to send of these bytes, and their code."""
        ...

    def open(self, number: int, data: Buffer, code: Buffer) -> Buffer:
        """Return the bytes that were closed; ``ChannelError`` if the code is not theirs."""
        ...


class Sealer:
    """Makes one direction's records, in order.

    Parameters
    ----------
    key : bytes
        Of this direction of this connection, and of nothing else.
    encrypt : bool
    """

    def __init__(self, key: bytes, encrypt: bool) -> None:
        self._scheme = _scheme(key, encrypt)
        self._number = 0

    def seal(self, data: Buffer) -> tuple[Buffer, Buffer, Buffer]:
        """Return what to send, in order: the head, the bytes (not a copy of them), their code."""
        if len(data) > _MOST:
            raise ValueError(f"a record of {len(data):,} bytes")
        number, self._number = self._number, self._number + 2
        length, length_code = self._scheme.close(number, _LENGTH.pack(len(data)))
        body, code = self._scheme.close(number + 1, data)
        return bytes(length) + length_code, body, code


class Opener:
    """Checks one direction's records, in order; after an error nothing more of it is good.

    Parameters
    ----------
    key : bytes
    encrypt : bool
    """

    def __init__(self, key: bytes, encrypt: bool) -> None:
        self._scheme = _scheme(key, encrypt)
        self._number = 0

    def length(self, head: bytes) -> int:
        """Return how many bytes follow, before their code."""
        opened = self._scheme.open(self._number, head[:-CODE], head[-CODE:])
        self._number += 1
        [length] = _LENGTH.unpack(opened)
        return int(length)

    def open(self, body: Buffer, code: Buffer) -> Buffer:
        """Return the bytes: ``body`` itself unless it is encrypted."""
        opened = self._scheme.open(self._number, body, code)
        self._number += 1
        return opened


class _Authenticated:
    """HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def _code(self, number: int, data: Buffer) -> bytes:
        code = self._keyed.copy()
        code.update(_NUMBER.pack(number))
        code.update(data)
        return code.digest()[:CODE]

    def close(self, number: int, data: Buffer) -> tuple[Buffer, bytes]:
        return data, self._code(number, data)

    def open(self, number: int, data: Buffer, code: Buffer) -> Buffer:
        if not hmac.compare_digest(self._code(number, data), code):
            raise _rejected()
        return data


class _Encrypted:
    """AES-256-GCM; the key is used for one direction of one connection, so numbers are nonces."""

    def __init__(self, key: bytes) -> None:
        library = encryption()
        self._gcm = library.AESGCM(key)
        self._invalid = library.InvalidTag

    def close(self, number: int, data: Buffer) -> tuple[Buffer, bytes]:
        closed = self._gcm.encrypt(_nonce(number), data, None)
        return memoryview(closed)[:-CODE], closed[-CODE:]

    def open(self, number: int, data: Buffer, code: Buffer) -> Buffer:
        try:
            opened: bytes = self._gcm.decrypt(_nonce(number), b"".join([data, code]), None)
        except self._invalid:
            raise _rejected() from None
        return opened


def _scheme(key: bytes, encrypt: bool) -> _Scheme:
    return _Encrypted(key) if encrypt else _Authenticated(key)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _rejected() -> ChannelError:
    return ChannelError("a message that the other side has not sent so, here and now")

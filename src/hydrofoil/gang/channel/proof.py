"""How two sides prove to each other that they know the secret. Bytes in, bytes out; no sockets.

The listener greets with a number, the caller answers with its own and its proof, and the listener
gives its proof in turn. Beside the numbers both say whether they can encrypt, which proofs and keys
depend on. Until then neither side reads more than a fixed number of bytes, and the listener proves
nothing to a caller who has not.
"""

import hmac
import os
from dataclasses import dataclass

from hydrofoil.gang.channel.encryption import can_encrypt, encryption
from hydrofoil.gang.channel.secret import Secret

_MAGIC = b"hydrofoil gang 2"
_NONCE = 32
_OFFER = 1 + _NONCE  # Whether one can encrypt, and a number.
GREETING = len(_MAGIC) + _OFFER  # Bytes of the listener's first message.
PROOF = 32  # Of its second.
ANSWER = PROOF + _OFFER  # Of the caller's.


class ChannelError(Exception):
    """The other side doesn't speak this protocol, or doesn't know the secret or the keys."""


@dataclass(frozen=True)
class Keys:
    """Of one connection, as one side sees them."""

    outgoing: bytes
    incoming: bytes
    encrypt: bool


class Greeting:
    """The listener's part: sends ``message``, then checks the answer.

    Parameters
    ----------
    secret : Secret
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._offer = _offer(secret)
        self.message = _MAGIC + self._offer

    def check(self, answer: bytes) -> tuple[bytes, Keys]:
        """Return the proof to give in turn, and the connection's keys."""
        made = _Derived(self._secret, self._offer, answer[PROOF:])
        if not hmac.compare_digest(answer[:PROOF], made(b"caller proves")):
            raise ChannelError("a connection with a wrong token")
        outgoing, incoming = made(b"listener sends"), made(b"caller sends")
        return made(b"listener proves"), Keys(outgoing, incoming, made.encrypt)


class Answer:
    """The caller's part: sends ``message`` in answer to a greeting, then checks the proof.

    Parameters
    ----------
    secret : Secret
    greeting : bytes
    """

    def __init__(self, secret: Secret, greeting: bytes) -> None:
        if not greeting.startswith(_MAGIC) or len(greeting) != GREETING:
            raise ChannelError(f"a greeting that is not a gang's: {greeting[:16]!r}")
        offer = _offer(secret)
        self._made = _Derived(secret, greeting[len(_MAGIC) :], offer)
        self.message = self._made(b"caller proves") + offer

    def check(self, proof: bytes) -> Keys:
        """Return the connection's keys."""
        if not hmac.compare_digest(proof, self._made(b"listener proves")):
            raise ChannelError("a listener with a wrong token")
        made = self._made
        return Keys(made(b"caller sends"), made(b"listener sends"), made.encrypt)


def _offer(secret: Secret) -> bytes:
    if secret.encrypt:
        encryption()  # Says what is missing.
    return bytes([can_encrypt()]) + os.urandom(_NONCE)


class _Derived:
    """Proofs and keys of one connection, by their names."""

    def __init__(self, secret: Secret, listeners: bytes, callers: bytes) -> None:
        self._key = secret.key
        # Sides that differ in what has to be, or in what they have heard, pass no proof.
        self._about = bytes([secret.encrypt]) + listeners + callers
        self.encrypt = listeners[:1] == callers[:1] == b"\1"
        if secret.encrypt and not self.encrypt:
            raise ChannelError("the other side can't encrypt")

    def __call__(self, name: bytes) -> bytes:
        return hmac.digest(self._key, name + b"\0" + self._about, "sha256")

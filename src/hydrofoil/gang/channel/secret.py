"""What the two sides of a connection both know."""

import hmac
from dataclasses import dataclass, field

SIZE = 32


@dataclass(frozen=True)
class Secret:
    """A key that no connection carries, and what connections made with it have to be.

    Parameters
    ----------
    key : bytes
    encrypt : bool
        Whether records have to be encrypted. Otherwise they are where both sides can, for it takes
        less time than to authenticate alone.
    strict : bool
        Whether what is neither is avoided where there is a choice: Spark authenticates its own.
    """

    key: bytes = field(repr=False)
    encrypt: bool = False
    strict: bool = False

    def of(self, *names: object) -> "Secret":
        """A secret that is good for one use; who knows it doesn't know those for others."""
        name = "\0".join(map(str, names)).encode()
        return Secret(hmac.digest(self.key, b"use\0" + name, "sha256"), self.encrypt, self.strict)

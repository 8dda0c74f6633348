"""The package that encrypts, where there is one."""

import socket
from functools import cache
from importlib import import_module
from typing import Any

from hydrofoil.errors import UsageError


@cache
def can_encrypt() -> bool:
    """Whether this process can."""
    try:
        encryption()
    except UsageError:
        return False
    return True


def encryption() -> Any:
    """Import what encrypts.

    Raises
    ------
    UsageError
        If it is not installed here.
    """
    try:
        return import_module("hydrofoil.gang.channel.aes")
    except ImportError as error:
        raise UsageError(
            "Spark's settings encrypt its own connections, and so those of gangs; that needs the "
            f"package cryptography, which Python on {socket.gethostname()} can't import: {error}",
            hint="pip install 'hydrofoil[encryption]', on the driver and on all executors",
        ) from error

"""Ports and interfaces that ranks use for a framework's own connections."""

import errno
import random
import socket
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from hydrofoil.errors import InternalError

_LOWEST = 10_000  # Below are the ports of well-known services.
_TRIES = 200


class ReservedPort:
    """A free TCP port of one address that nobody else gets while it is held.

    Frameworks want the port's number before they listen on it. Between, any connection that goes
    out of this host may be given the port; so it is one that the kernel doesn't give to those, and
    is held until the framework is about to take it.

    Parameters
    ----------
    address : str
        Of this host.
    shared : bool
        Hold it so that a server that sets ``SO_REUSEPORT``, as gRPC's do, can take it meanwhile.
    """

    def __init__(self, address: str, shared: bool = False) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        if shared:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.number = _bind(self._socket, address)

    def release(self) -> None:
        """Let it go."""
        self._socket.close()


def _bind(held: socket.socket, address: str) -> int:
    ephemeral = _first_ephemeral()
    for _ in range(_TRIES):
        try:
            port = random.randrange(_LOWEST, ephemeral) if ephemeral > _LOWEST else 0
            held.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                held.close()
                raise InternalError(f"can't reserve a port of {address}: {error}") from error
            continue
        return int(held.getsockname()[1])
    held.close()
    raise InternalError(f"no free port between {_LOWEST} and {ephemeral} in {_TRIES} tries")


def _first_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):  # Not Linux.
        return 49_152


def interface_of(address: str) -> str | None:
    """Return the name of the network interface that has an address, such as ``eth0``."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(each.address == address for each in addresses):
            return str(name)
    return None

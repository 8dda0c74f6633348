"""Finding the keeper of an application on this host, and starting it where there is none."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

from hydrofoil.errors import UsageError
from hydrofoil.holders.linux import peer_user
from hydrofoil.holders.names import Place

LISTENER = "HYDROFOIL_KEEPER_LISTENER"
_BACKLOG = 128
_PATIENCE_S = 60.0


def connect(place: Place) -> socket.socket:
    """A connection to the keeper of this place, which is started if there is none.

    Raises
    ------
    UsageError
        Another user has the keeper's name.
    OSError
        There is no way to it.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        connection = _socket()
        try:
            connection.connect(_address(place))
        except (ConnectionRefusedError, FileNotFoundError):
            connection.close()
            _start(place)
        except OSError:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            user = peer_user(connection)
            if user == os.geteuid():
                return connection
            connection.close()
            raise UsageError(
                f"user {user} of this host has taken the name @{place.name}, by which this "
                "application would share its models",
                hint='leave share="host" out, and ask that user',
            )


def _start(place: Place) -> None:
    """Start a keeper, unless another worker is about to.

    Who has bound the name has won. Others can connect at once; their connections wait.
    """
    listener = _socket()
    with listener:
        try:
            listener.bind(_address(place))
        except OSError:
            # It has been taken this moment, and is about to be listened on.
            time.sleep(0.005)
            return
        listener.listen(_BACKLOG)
        variables = {**os.environ, LISTENER: str(listener.fileno())}
        # It forks and ends, so that the keeper is nobody's child.
        subprocess.run(
            [sys.executable, "-m", "hydrofoil.holders", *(["alone"] if place.alone else [])],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=_stderr(),
            stderr=_stderr(),
            pass_fds=[listener.fileno()],
            start_new_session=True,
            check=True,
        )


def _stderr() -> int:
    """The executor's log, even where a function has put something else in its place."""
    with suppress(OSError):
        os.fstat(2)
        return 2
    return subprocess.DEVNULL


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _address(place: Place) -> str:
    return f"\0{place.name}"

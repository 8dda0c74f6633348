"""What the server's host answers. Runs in a Python process of Spark's, which is gone or reused."""

import os
import pickle
import socket
import subprocess
import sys
from typing import Any

from hydrofoil.gang.channel.link import Link
from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.frames import Header

_SECRET = "PYTHON_WORKER_FACTORY_SECRET"
_ANSWER_S = 30.0  # More than a hub lets anybody wait.


class HubGone(Exception):
    """There is nothing at the hub's address any more."""


def start(conf: Any) -> tuple[str, int]:
    """Start a hub in a process of its own; return where it listens.

    Raises
    ------
    OSError
        It can't listen there.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "hydrofoil.gang.connect.host"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_environment(),
        # Spark ends the group of this process.
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(pickle.dumps(conf))
        process.stdin.close()
        told = process.stdout.read()
    process.wait()  # The hub is a child of it, and an orphan now: nobody here would wait for it.
    if not told:
        raise OSError("the hub's process has ended before it listened")
    answer = pickle.loads(told)
    if isinstance(answer, OSError):
        raise answer
    address: tuple[str, int] = answer
    return address


def _environment() -> dict[str, str]:
    """This process's, without the secret that Spark has given it alone."""
    environment = {name: value for name, value in os.environ.items() if name != _SECRET}
    # Spark may have told where modules are by other ways than variables.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return environment


def tell(address: tuple[str, int], secret: Secret, header: Header) -> tuple[Header, bytes]:
    """Bring a message to the hub; return its answer."""
    try:
        with socket.create_connection(address, timeout=_ANSWER_S) as connection:
            link = Link.calling(connection, secret)
            link.send(frames.encode(header))
            return frames.decode(link.receive(frames.MOST))
    except (OSError, ChannelError) as error:
        raise HubGone(f"{address[0]}:{address[1]}: {error}") from None

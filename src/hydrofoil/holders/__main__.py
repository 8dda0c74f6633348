"""``python -m hydrofoil.holders``: a keeper of models, detached from the worker that starts it."""

import os
import socket
import sys

from hydrofoil.holders.keeper import Keeper
from hydrofoil.holders.limits import linger_s, most_memory
from hydrofoil.holders.linux import call_it
from hydrofoil.holders.starting import LISTENER


def main() -> None:
    """Serve by the listener that the environment names, until the application has ended."""
    listener = socket.socket(fileno=int(os.environ.pop(LISTENER)))
    if os.fork():
        # Whoever waits for this process goes on; the keeper is a child of the system.
        os._exit(0)
    listener.set_inheritable(False)
    call_it("hydrofoil-keep")
    alone = "alone" in sys.argv[1:]
    Keeper(listener, most_memory(), 0.0 if alone else linger_s()).serve()


if __name__ == "__main__":
    main()

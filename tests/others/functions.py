"""Functions whose lines others look at, and what workers call before their first task."""

import os

DEBUG_PORT = "OTHERS_DEBUG_PORT"


def listen() -> None:
    """Wait for a debugger."""
    import debugpy

    debugpy.listen(("127.0.0.1", int(os.environ[DEBUG_PORT])))
    debugpy.wait_for_client()


def measured(x):
    if x > 100:
        return -1
    return x + 1


def stopped_at(x):
    doubled = x * 2
    return doubled + 1

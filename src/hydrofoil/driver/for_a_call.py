"""A setting of a session that is different for one call of the JVM's."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Two calls at once would undo each other's setting, or give back the other one's.
_lock = threading.Lock()


@contextmanager
def set_for_a_call(jconf: Any, key: str, choose: Callable[[], str | None]) -> Iterator[None]:
    """Set a key inside of the block; nobody else does so meanwhile.

    Parameters
    ----------
    jconf : SQLConf in the JVM
    key : str
    choose : callable
        Returns the value, or None to leave the setting as it is.
    """
    with _lock:
        value = choose()
        if value is None:
            yield
            return
        before = jconf.settings().get(key)
        jconf.setConfString(key, value)
        try:
            yield
        finally:
            if before is None:
                jconf.unsetConf(key)
            else:
                jconf.setConfString(key, before)

"""Models that a worker process keeps across tasks and queries; the one not used longest goes."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

_kept: OrderedDict[str, Any] = OrderedDict()
_lock = Lock()


def model(key: str, load: Callable[[], Any], most: int) -> Any:
    """The model of this key, loaded if this process does not have it.

    Parameters
    ----------
    key : str
        The same for the same model.
    load : callable
        Called without arguments; what it raises is raised here, and tried again the next time.
    most : int
        How many models the process may keep, this one included.
    """
    with _lock:
        if key not in _kept:
            while len(_kept) >= most:
                _kept.popitem(last=False)
            _kept[key] = load()
        _kept.move_to_end(key)
        return _kept[key]

"""Values as they are shown in notes: short, and without ever failing."""

import os
from collections.abc import Iterable
from reprlib import Repr
from typing import Any

VARIABLE = "HYDROFOIL_SHOW_VALUES"
# What stands for a value whose class fails to describe it.
_FAILS = "<{}: its repr() failed>"
# All values of a note together.
_MOST = 400


def are_shown() -> bool:
    """Whether values may be shown: they are, unless ``HYDROFOIL_SHOW_VALUES`` is ``off``."""
    return os.environ.get(VARIABLE, "").strip().lower() not in ("off", "false", "0", "no")


class _Short(Repr):
    """Up to 80 characters of a value, and few of its items."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 80, 80
        self.maxlong = 60

    def repr_instance(self, x: Any, level: int) -> str:
        """Any other object: frames and tables by their size, all else by its own ``repr``."""
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and shape:
            return f"<{type(x).__name__} of {' x '.join(map(str, shape))}>"
        return super().repr_instance(x, level).replace("\n", " ")


_short = _Short()


def shown(value: Any) -> str:
    """A value in one line of few characters."""
    try:
        return _short.repr(value)
    except Exception:
        return _FAILS.format(type(value).__name__)


def shown_call(names: Iterable[str], values: Iterable[Any]) -> str:
    """Arguments as in a call, such as ``s='abc', n=3``; cut off where they are long."""
    parts: list[str] = []
    length = 0
    for name, value in zip(names, values, strict=False):
        part = f"{name}={shown(value)}" if name else shown(value)
        length += len(part)
        if length > _MOST:
            parts.append("...")
            break
        parts.append(part)
    return ", ".join(parts)

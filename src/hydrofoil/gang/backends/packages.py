"""Import a framework, or say how to install it."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hydrofoil.errors import UsageError


def load(package: str, asked_by: str | None = None) -> Any:
    """Import a package.

    Parameters
    ----------
    package : str
        Its name in Python, or that of a module of it.
    asked_by : str, optional
        What needs it, for the message; ``ctx.<package>`` unless given.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    if not installed(package):
        raise UsageError(
            f"{asked_by or f'ctx.{package}'} needs {package}, which is not installed in this "
            "rank's Python",
            hint=f"pip install {package.partition('.')[0]}, here and on the executors",
        )
    return import_module(package)


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not."""
    try:
        return find_spec(package) is not None
    except ValueError:  # A module without a spec stands in for it.
        return True

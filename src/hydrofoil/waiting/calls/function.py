"""The user's function with all that is known of it, as it is sent to workers."""

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.waiting.calls.place import HubPlace
from hydrofoil.waiting.options import Options


def _same(value: Any) -> Any:
    return value


@dataclass
class Function:
    """A function that waits.

    Attributes
    ----------
    function : callable
        The user's: async, or one that blocks.
    is_async : bool
    name, identity : str
        Its name, and what stands for it in keys of answers.
    key : str
        What is different for each function that was decorated.
    options : Options
    setups : dict of str to callable
        What it is given by keyword, by what makes it.
    hub : HubPlace or None
        The driver's hub; None where there is none.
    internal : callable
        Results to what Spark's types make of them.
    """

    function: Callable[..., Any]
    is_async: bool
    name: str
    identity: str
    key: str
    options: Options
    setups: dict[str, Callable[[], Any]] = field(default_factory=dict)
    hub: HubPlace | None = None
    internal: Callable[[Any], Any] = _same

    def warn(self, message: str) -> None:
        """Say something in the executor's log."""
        print(
            f"hydrofoil on {socket.gethostname()}: {self.name}(): {message}",
            file=sys.stderr,
            flush=True,
        )

"""What came of something that may fail, in a form that two engines' can be compared by."""

from collections.abc import Callable
from typing import Any

from hydrofoil.failures.notes import MARK

CRASHED = "Python worker exited unexpectedly (crashed)"


def outcome(action: Callable[[], Any]) -> tuple[str, Any]:
    """Return the value of ``action``, or the class and the essence of its error."""
    try:
        return "value", action()
    except Exception as error:
        return type(error).__name__, essence(str(error))


def essence(message: str) -> str:
    """The worker's error without its traceback: no stages, no stacks of the JVM's."""
    if CRASHED in message:
        return CRASHED
    lines = message.partition("\n\n\tat ")[0].partition("\nDriver stacktrace:")[0].splitlines()
    lines = [line for line in lines if not line.startswith(MARK)]
    frames = [number for number, line in enumerate(lines) if line.startswith("  ")]
    return "\n".join(lines[frames[-1] + 1 :] if frames else lines).strip()

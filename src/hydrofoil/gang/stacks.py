"""Where a thread is, in a few lines; cheap enough to look every second."""

import sys
import traceback

_FRAMES = 40
_WAITING = ("/hydrofoil/gang/", "/threading.py", "/queue.py", "/socket.py")
_CALLER = "hydrofoil/gang/rank.py"


def stack_of(thread: int) -> str:
    """Return a thread's innermost frames, the innermost last; empty if it has ended.

    Frames outside a rank's function (Spark's worker, the gang's own) are left out.
    """
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    summary = traceback.StackSummary.extract(
        reversed(list(traceback.walk_stack(frame))[:_FRAMES]), lookup_lines=False
    )
    outside = [n for n, at in enumerate(summary) if at.filename.endswith(_CALLER)]
    inside = summary[outside[-1] + 1 :] if outside else summary
    return "\n".join(f'  File "{at.filename}", line {at.lineno}, in {at.name}' for at in inside)


def innermost(stack: str) -> str:
    """Return one line of a stack: the innermost frame that is not the gang's own waiting."""
    lines = [line.strip() for line in stack.splitlines()]
    theirs = [line for line in lines if not any(path in line for path in _WAITING)]
    return (theirs or lines or ["nowhere known"])[-1]

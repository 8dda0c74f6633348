"""Whose output it is: the context that PySpark's worker puts on captured prints and log records."""

import sys
from collections.abc import Iterator
from types import FrameType


def output_context() -> dict[str, str]:
    """Name the user's function that is being called, as PySpark's own context provider does.

    PySpark takes the outermost function that its worker calls and that is not its own. Here our
    frames count as the worker's, since they stand where stock's would.

    Returns
    -------
    dict of str to str
        ``func_name``, and ``class_name`` for methods; empty where no user's function is running.
    """
    called = None
    for frame, caller in _calls(sys._getframe()):
        if _is_worker(caller) and not _is_worker(frame):
            called = frame
    if called is None:
        return {}
    context = {"func_name": called.f_code.co_name}
    if "self" in called.f_locals:
        context["class_name"] = type(called.f_locals["self"]).__name__
    elif "cls" in called.f_locals:
        context["class_name"] = called.f_locals["cls"].__name__
    return context


def _calls(frame: FrameType) -> Iterator[tuple[FrameType, FrameType]]:
    while frame.f_back is not None:
        yield frame, frame.f_back
        frame = frame.f_back


def _is_worker(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    if module == "__main__":
        spec = getattr(sys.modules.get("__main__"), "__spec__", None)
        module = spec.name if spec else module
    if module.startswith("pyspark."):
        return ".tests." not in module
    return bool(module.partition(".")[0] == "hydrofoil")

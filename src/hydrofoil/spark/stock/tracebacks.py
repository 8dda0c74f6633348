"""Tracebacks as stock's code alone would have made them, without the frames of Hydrofoil's own.

Stock sends their text in UTF-8. For what that has no bytes for, as in the names of files that are
not UTF-8, it would send nothing, and have the JVM wait for ever: escapes stand there.
"""

import sys
import traceback
from collections.abc import Callable, Generator
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any, BinaryIO

from hydrofoil.failures.present import note_unlocated
from hydrofoil.reports.arguments import encodable


def without_our_frames(
    traceback: TracebackType | None, *, blameless: bool = False
) -> TracebackType | None:
    """The traceback without the frames of Hydrofoil's own code, as stock would have it.

    A traceback that ends in our code is left alone, since then the fault is ours to be seen, unless
    it is known to be ``blameless``.
    """
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    if not frames or (_is_ours(frames[-1]) and not blameless):
        return frames[0] if frames else None
    kept = [frame for frame in frames if not _is_ours(frame)]
    for frame, following in zip(kept, [*kept[1:], None], strict=True):
        frame.tb_next = following
    return kept[0] if kept else None


def _is_ours(traceback: TracebackType) -> bool:
    module = traceback.tb_frame.f_globals.get("__name__")
    if not isinstance(module, str):
        return False
    # The functions that parity's cases hand to Spark stand for a user's.
    place = module.split(".")
    return place[0] == "hydrofoil" and place[1:3] != ["tools", "parity"]


def report_failure(error: BaseException, outfile: BinaryIO, *args: Any, **kwargs: Any) -> None:
    """Stock's ``handle_worker_exception``, on tracebacks without our frames."""
    from pyspark.util import handle_worker_exception

    hide_our_frames(error)
    if sys.exc_info()[1] is error:
        handle_worker_exception(error, outfile, *args, **kwargs)
        return
    try:
        raise error
    except BaseException:
        handle_worker_exception(error, outfile, *args, **kwargs)


def hide_our_frames(error: BaseException) -> None:
    """Take our frames out of the tracebacks of an error and of what it came from."""
    note_unlocated(error)
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        link = chain.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        # What Python makes of a StopIteration it raises in the generator that let it pass.
        made_of_stop = isinstance(link.__cause__, StopIteration)
        link.__traceback__ = without_our_frames(link.__traceback__, blameless=made_of_stop)
        chain += [link.__cause__, link.__context__]


def format_encodable(module: ModuleType) -> None:
    """Have a module that formats errors by ``traceback`` make text that can be sent."""
    vars(module)["traceback"] = SimpleNamespace(**{**vars(traceback), **_ENCODABLE})


def format_in_main(worker: ModuleType) -> None:
    """The same, without our frames, for a worker whose ``main`` formats errors by two functions."""
    simplify = worker.try_simplify_traceback
    names = vars(worker)
    names["try_simplify_traceback"] = lambda _: simplify(_hidden())
    format_encodable(worker)
    names["traceback"].format_exc = _format_exc


class _Encodable(traceback.TracebackException):
    def format(self, **options: Any) -> Generator[str, None, None]:
        yield from map(encodable, super().format(**options))


def _lines(format_error: Callable[..., list[str]]) -> Callable[..., list[str]]:
    return lambda *given, **options: [encodable(line) for line in format_error(*given, **options)]


_ENCODABLE = {
    "TracebackException": _Encodable,
    "format_exception": _lines(traceback.format_exception),
    "format_exception_only": _lines(traceback.format_exception_only),
    "format_exc": lambda *given, **options: encodable(traceback.format_exc(*given, **options)),
}


def _hidden() -> TracebackType | None:
    """The traceback of the error that is being handled, without our frames."""
    error = sys.exc_info()[1]
    assert error is not None
    hide_our_frames(error)
    return error.__traceback__


def _format_exc() -> str:
    _hidden()
    return encodable(traceback.format_exc())

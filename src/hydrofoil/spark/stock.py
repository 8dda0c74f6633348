"""Stock PySpark's worker as a private copy, whose parts can be exchanged.

The copy is `pyspark/worker.py` executed a second time under its own name, so that whoever runs the
real `pyspark.worker.main` in the same process gets stock, and tracebacks name the same file.
"""

import sys
from importlib.util import find_spec, module_from_spec
from types import CellType, FunctionType, ModuleType, TracebackType
from typing import Any, BinaryIO


def private_worker() -> ModuleType:
    """A fresh copy of ``pyspark.worker``, not registered anywhere."""
    # The original comes first: dataclasses look their module up in sys.modules.
    import pyspark.worker

    spec = find_spec(pyspark.worker.__name__)
    if spec is None or spec.loader is None:
        raise ImportError("pyspark.worker is loaded but its source cannot be found again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def variables_of(function: Any) -> dict[str, Any]:
    """What a function refers to in the function around it, by name."""
    named = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    # A variable that has not been assigned has an empty cell.
    return {name: cell.cell_contents for name, cell in named if cell != CellType()}


def rebound(function: Any, **variables: Any) -> Any:
    """The same function, referring to other values by these names."""
    cells = [
        CellType(variables[name]) if name in variables else cell
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True)
    ]
    return FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(cells),
    )


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

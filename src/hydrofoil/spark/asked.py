"""What a worker would plan for a task, asked without one.

A task's functions come to an adapter as the JVM would send them, and it plans: this is the code
that plans in workers, and no rows follow. No function is called.
"""

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.counts import task_trace
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.caps import SparkLine
from hydrofoil.spark.stock_worker import publish_stock
from hydrofoil.spark.streamed import NOT_HERE

# Eval types whose arguments may be named, up to 4.1; from then on all have the same form.
_NAMED = frozenset((100, 101, 200, 202, 203, 204, 250, 251, 252, 253))
_PICKLED_ROWS = 100
_ARROW_ROWS = 101

# Offsets of a group with one column for the key and one for the rest. Plans of groups are the same
# whatever columns there are: a count of what follows, a count of keys, the keys, the others.
_GROUP = [3, 1, 0, 0]
_OFFSETS = {"map": [0], "grouped map": _GROUP, "cogrouped map": [*_GROUP, *_GROUP]}


@dataclass(frozen=True, eq=False)
class AskedFunction:
    """A function, or a chain of them, the first to be called coming first.

    Attributes
    ----------
    commands : list of bytes
        What PySpark has pickled of each: the function and its declared type.
    arguments : list of str or None
        The name of each argument that has one.
    """

    commands: list[bytes]
    arguments: list[str | None]


@dataclass(frozen=True)
class Question:
    """A task without rows.

    Attributes
    ----------
    conf : dict of str to str
        The settings that Spark sends the worker.
    input_type : str
        The arguments' types as a struct, in the form of JSON that Spark has for types.
    schema : bytes
        Of the arguments as Arrow sends them: an IPC message.
    bounds : list of str
        For windows, whether each function's is "bounded" or "unbounded".
    """

    eval_type: int
    functions: list[AskedFunction]
    conf: dict[str, str]
    input_type: str
    schema: bytes
    bounds: list[str] = field(default_factory=list)


def answer(line: SparkLine, adapter: Any, question: Question) -> list[UdfTrace]:
    """The path of each function of a task, and why.

    Parameters
    ----------
    adapter : StockWorker
        The line's.

    Raises
    ------
    Exception
        Whatever reading the functions raises: a module that is not there, for example.
    """
    with _published() as traces:
        if question.eval_type not in line.fast:
            publish_stock(question.eval_type, ["" for _ in question.functions], NOT_HERE)
            return traces[-1].udfs
        plan, *_ = adapter.read_udfs(
            adapter.stock.pickleSer, *_MESSAGES[line.minor](adapter, question)
        )
        if traces:
            return traces[-1].udfs
        prepare = getattr(plan, "prepare", None)
        if prepare is not None:
            prepare(question.schema)
        planned: TaskTrace = plan.trace
        return planned.udfs


@contextmanager
def _published() -> Iterator[list[TaskTrace]]:
    found: list[TaskTrace] = []
    task_trace.listeners.append(found.append)
    try:
        yield found
    finally:
        task_trace.listeners.remove(found.append)


def _offsets(question: Question, function: AskedFunction) -> list[tuple[int, str | None]]:
    """The column of each argument, and its name; every function has columns of its own."""
    fixed = _OFFSETS.get(EVAL_TYPES[question.eval_type].family)
    if fixed is not None:
        return [(offset, None) for offset in fixed]
    k = question.functions.index(function)
    first = sum(len(other.arguments) for other in question.functions[:k])
    bounded = question.bounds[k : k + 1] == ["bounded"]
    # Before the arguments of a bounded window stand the columns of its begin and its end.
    window: list[tuple[int, str | None]] = [(0, None), (0, None)] if bounded else []
    return [*window, *((first + i, name) for i, name in enumerate(function.arguments))]


def _conf(question: Question) -> dict[str, str]:
    bounds = ",".join(question.bounds)
    return question.conf | {"pandas_window_bound_types": bounds, "window_bound_types": bounds}


# --- By line, what stock's read_udfs is given after the serializer --------------------------------


def _messages_35(adapter: Any, question: Question) -> tuple[Any, ...]:
    return _stream(question, lambda _: b"", _positional), question.eval_type


def _messages_40(adapter: Any, question: Question) -> tuple[Any, ...]:
    return _stream(question, lambda _: b"\0", _maybe_named), question.eval_type


def _messages_41(adapter: Any, question: Question) -> tuple[Any, ...]:
    def before(asked: Question) -> bytes:
        types = _text(asked.input_type) if asked.eval_type == _ARROW_ROWS else b""
        return types + b"\0"

    return _stream(question, before, _maybe_named), question.eval_type


def _messages_42(adapter: Any, question: Question) -> tuple[Any, ...]:
    confs = []
    for cls, values in (
        (adapter.stock.RunnerConf, _conf(question)),
        (adapter.stock.EvalConf, {"input_type": question.input_type}),
    ):
        made = cls()
        made._conf = values
        confs.append(made)
    result_id = struct.pack("!q", 0)
    functions = b"".join(_function(question, f, _named) + result_id for f in question.functions)
    stream = io.BytesIO(_int(len(question.functions)) + functions)
    return stream, question.eval_type, *confs


def _messages_43(adapter: Any, question: Question) -> tuple[Any, ...]:
    from pyspark.worker_message import UDFInfo

    infos = []
    for function in question.functions:
        offsets = _offsets(question, function)
        infos.append(
            UDFInfo(
                udfs=[memoryview(command) for command in function.commands],
                args=[offset for offset, name in offsets if name is None],
                kwargs={name: offset for offset, name in offsets if name is not None},
                result_id=0,
            )
        )
    runner_conf = adapter.stock.RunnerConf(_conf(question))
    eval_conf = adapter.stock.EvalConf({"input_type": question.input_type})
    return infos, question.eval_type, runner_conf, eval_conf


_MESSAGES: dict[str, Callable[[Any, Question], tuple[Any, ...]]] = {
    "3.5": _messages_35,
    "4.0": _messages_40,
    "4.1": _messages_41,
    "4.2": _messages_42,
    "4.3": _messages_43,
}

Offset = Callable[[Question, int, str | None], bytes]


def _stream(question: Question, before: Callable[[Question], bytes], offset: Offset) -> io.BytesIO:
    """What the functions are read from, up to 4.1; ``before`` makes what the line has before."""
    parts = []
    if question.eval_type != _PICKLED_ROWS:
        conf = _conf(question)
        parts = [_int(len(conf)), *(_text(word) for item in conf.items() for word in item)]
    parts += [before(question), _int(len(question.functions))]
    parts += [_function(question, function, offset) for function in question.functions]
    return io.BytesIO(b"".join(parts))


def _function(question: Question, function: AskedFunction, offset: Offset) -> bytes:
    offsets = _offsets(question, function)
    commands = function.commands
    return b"".join(
        [
            _int(len(offsets)),
            *(offset(question, *place) for place in offsets),
            _int(len(commands)),
            *(_int(len(command)) + command for command in commands),
        ]
    )


def _positional(_: Question, offset: int, name: str | None) -> bytes:
    return _int(offset)


def _named(_: Question, offset: int, name: str | None) -> bytes:
    return _int(offset) + (b"\0" if name is None else b"\1" + _text(name))


def _maybe_named(question: Question, offset: int, name: str | None) -> bytes:
    form = _named if question.eval_type in _NAMED else _positional
    return form(question, offset, name)


def _int(value: int) -> bytes:
    return struct.pack("!i", value)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _int(len(encoded)) + encoded

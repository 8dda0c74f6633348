"""What a worker would plan for a task, asked without one.

A task's functions come to a worker as the JVM would send them, and it plans: this is the code that
plans in workers, and no rows follow. No function is called.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.counts import task_trace
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import EVAL_TYPES, EvalType
from hydrofoil.spark.stock.private_copy import worker_message
from hydrofoil.spark.stock.task import NOT_HERE
from hydrofoil.spark.stock.worker import StockWorker, publish_stock
from hydrofoil.spark.versions import SparkVersion

# Eval types whose arguments may be named, where not all have the same form.
_NAMED = frozenset(
    (
        EvalType.SQL_BATCHED_UDF,
        EvalType.SQL_ARROW_BATCHED_UDF,
        EvalType.SQL_SCALAR_PANDAS_UDF,
        EvalType.SQL_GROUPED_AGG_PANDAS_UDF,
        EvalType.SQL_WINDOW_AGG_PANDAS_UDF,
        EvalType.SQL_SCALAR_PANDAS_ITER_UDF,
        EvalType.SQL_SCALAR_ARROW_UDF,
        EvalType.SQL_SCALAR_ARROW_ITER_UDF,
        EvalType.SQL_GROUPED_AGG_ARROW_UDF,
        EvalType.SQL_WINDOW_AGG_ARROW_UDF,
    )
)

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


def answer(planning: StockWorker, question: Question) -> list[UdfTrace]:
    """The path of each function of a task, and why.

    Raises
    ------
    Exception
        Whatever reading the functions raises: a module that is not there, for example.
    """
    with _published() as traces:
        if question.eval_type not in planning.version.fast:
            publish_stock(question.eval_type, ["" for _ in question.functions], NOT_HERE)
            return traces[-1].udfs
        plan: Any
        plan, *_ = planning.read_udfs(
            planning.stock.pickleSer, *_message(planning.stock, planning.version, question)
        )
        if traces:
            return traces[-1].udfs
        # What says where errors were raised stands around it.
        plan = getattr(plan, "plan", plan)
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


# --- What stock's read_udfs is given after the serializer -----------------------------------------


def _message(stock: Any, version: SparkVersion, question: Question) -> tuple[Any, ...]:
    source = _parsed(question) if version.udfs_are_parsed else _stream(version, question)
    confs = _conf_objects(stock, question) if version.confs_are_objects else ()
    return source, question.eval_type, *confs


def _conf_objects(stock: Any, question: Question) -> list[Any]:
    confs = []
    for cls, values in (
        (stock.RunnerConf, _conf(question)),
        (stock.EvalConf, {"input_type": question.input_type}),
    ):
        made = cls()
        made._conf = values
        confs.append(made)
    return confs


def _parsed(question: Question) -> list[Any]:
    made = []
    for function in question.functions:
        offsets = _offsets(question, function)
        made.append(
            worker_message().UDFInfo(
                udfs=[memoryview(command) for command in function.commands],
                args=[offset for offset, name in offsets if name is None],
                kwargs={name: offset for offset, name in offsets if name is not None},
                result_id=0,
            )
        )
    return made


def _stream(version: SparkVersion, question: Question) -> io.BytesIO:
    parts = []
    if not version.confs_are_objects:
        if question.eval_type != EvalType.SQL_BATCHED_UDF:
            conf = _conf(question)
            parts = [_int(len(conf)), *(_text(word) for item in conf.items() for word in item)]
        if version.input_type_is_sent and question.eval_type == EvalType.SQL_ARROW_BATCHED_UDF:
            parts.append(_text(question.input_type))
    if version.profiler_flag_is_sent:
        parts.append(b"\0")
    parts.append(_int(len(question.functions)))
    parts += [_function(version, question, function) for function in question.functions]
    return io.BytesIO(b"".join(parts))


def _function(version: SparkVersion, question: Question, function: AskedFunction) -> bytes:
    named = version.names_in_all_eval_types or (
        version.arguments_have_names and question.eval_type in _NAMED
    )
    offsets = _offsets(question, function)
    commands = function.commands
    return b"".join(
        [
            _int(len(offsets)),
            *(_int(offset) + (_name(name) if named else b"") for offset, name in offsets),
            _int(len(commands)),
            *(_int(len(command)) + command for command in commands),
            struct.pack("!q", 0) if version.result_id_is_sent else b"",
        ]
    )


def _name(name: str | None) -> bytes:
    return b"\0" if name is None else b"\1" + _text(name)


def _int(value: int) -> bytes:
    return struct.pack("!i", value)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _int(len(encoded)) + encoded

"""The account of one worker process: its CPU time from the fork to its end, by what it was for.

All of it is read from the process's own CPU clock, which starts with the fork and counts all
threads. The clock is read a few times a task, never for a row, so it costs nothing to speak of.
Who used the time within a task's data phase, the user's functions or the exchange, is what the
sampler's stacks tell; a frame that is named after the task's UDFs stands at the root of them.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from hydrofoil.evals.eval_types import EvalType, describe
from hydrofoil.tools.profiling import sampler
from hydrofoil.tools.profiling.account import Log
from hydrofoil.tools.profiling.streams import TimedRead, TimedWrite, timed

if TYPE_CHECKING:
    from hydrofoil.process.task_main import TaskMain

# The file name of the frames that mark a task's data phase.
MARK = "hydrofoil-profile-data"


class AccountedMain:
    """A worker's main, with an account. Made in the worker, once its first task is due."""

    def __init__(
        self,
        folder: Path,
        task_main: "Callable[[], TaskMain]",
        module: Callable[[], ModuleType | None],
        entered: float,
    ) -> None:
        """``entered`` is the CPU time of the process when it turned to the profiler."""
        self._log = Log(folder, "worker")
        self._sampler = sampler.start(self._log.stem)
        self._profiler = time.process_time() - entered
        self._main = task_main()
        self._task: Task | None = None
        stock = module()
        if stock is not None:
            for name in ("read_command", "read_udfs", "read_udtf"):
                setattr(stock, name, self._hooked(name, getattr(stock, name)))
        self._log.write(
            {
                "kind": "worker",
                "sampler": self._sampler.name,
                "why": self._sampler.why,
                "sync": self._sampler.sync,
                "rate": int(os.environ.get(sampler.RATE, sampler.DEFAULT_RATE)),
                "hooked": stock is not None,
            }
        )

    def __call__(self, infile: BinaryIO, outfile: BinaryIO) -> None:
        self._snapshot()
        # Stock's daemon ends workers by SIGHUP, most often while they wait here.
        signal.signal(signal.SIGHUP, self._end)
        select.select([infile], [], [])
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        if not infile.peek(1):  # type: ignore[attr-defined]
            # The JVM wants no further task of this worker.
            self._main(infile, outfile)
            return
        size = int(os.environ.get("SPARK_BUFFER_SIZE", 65536))
        reader, writer, reads, writes = timed(infile, outfile, size)
        self._task = task = Task(reads, writes)
        try:
            self._main(reader, writer)
        except SystemExit:
            task.failed = True
            raise
        finally:
            try:
                writer.flush()
            except OSError as error:
                # As stock's daemon does: the JVM has gone.
                print(f"the answer could not be sent: {error}", file=sys.stderr)
            self._note_task()

    def _note_task(self) -> None:
        """Write the task down, once."""
        task, self._task = self._task, None
        if task is not None:
            task.end()
            self._log.write(task.as_json())
            self._snapshot()

    def _snapshot(self) -> None:
        """Note the CPU time of the process so far, and the profiler's own share of it."""
        cpu = time.process_time()
        own = self._profiler + self._sampler.cpu
        self._log.write({"kind": "snapshot", "cpu": cpu, "profiler": own})

    def _after_data(self) -> None:
        """The JVM may have all that it wants by now, and end the worker any moment."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, self._end)

    def _end(self, number: int, _: FrameType | None) -> None:
        self._note_task()
        self._snapshot()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _hooked(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """One of stock's readers of tasks, noting the functions and marking the data phase."""

        def read(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            task = self._task
            if task is None:
                return result
            if name == "read_command" and not (isinstance(result, tuple) and len(result) == 4):
                task.note(result[0] if isinstance(result, tuple) else result)
                return result
            # What runs a task: its function, profiler, deserializer and serializer.
            task.eval_type = describe(EvalType.NON_UDF if name == "read_command" else args[2])
            function, profiler, deserializer, serializer = result
            return (
                function,
                profiler,
                deserializer,
                MarkedSerializer(serializer, task, self._sampler, self._after_data),
            )

        return read


class Task:
    """One task's clocks, in seconds of CPU time of the process; wall time beside it."""

    def __init__(self, reads: TimedRead, writes: TimedWrite) -> None:
        self._reads, self._writes = reads, writes
        self.began = time.process_time()
        self.began_at = time.perf_counter()
        self.eval_type = ""
        self.udfs: list[dict[str, Any]] = []
        self.failed = False
        self._data_from: float | None = None
        self._data_to: float | None = None
        self._ended = self._ended_at = 0.0

    def note(self, function: Any) -> None:
        """Keep a function's name and where its code is."""
        self.udfs.append({"name": function_name(function), "codes": codes_of(function)})

    @property
    def mark(self) -> str:
        """What stands at the root of the data phase's stacks."""
        names = ", ".join(udf["name"] for udf in self.udfs)
        return f"{self.eval_type} {names}".strip().replace(";", ",").replace("(", "[")

    def begin_data(self) -> None:
        self._data_from = time.process_time()

    def end_data(self) -> None:
        self._data_to = time.process_time()

    def end(self) -> None:
        self._ended, self._ended_at = time.process_time(), time.perf_counter()

    def as_json(self) -> dict[str, Any]:
        """The task's record; a task that failed early was all set-up."""
        data_from = self._ended if self._data_from is None else self._data_from
        data_to = self._ended if self._data_to is None else self._data_to
        return {
            "kind": "task",
            "mark": self.mark,
            "eval_type": self.eval_type,
            "udfs": self.udfs,
            "failed": self.failed,
            "setup": data_from - self.began,
            "data": data_to - data_from,
            "finish": self._ended - data_to,
            "wall": self._ended_at - self.began_at,
            "read_wait": self._reads.seconds,
            "write_wait": self._writes.seconds,
        }


class MarkedSerializer:
    """A task's serializer, whose ``dump_stream``, all of the data phase, runs under a mark."""

    def __init__(
        self, serializer: Any, task: Task, stacks: sampler.Sampler, after: Callable[[], None]
    ) -> None:
        vars(self).update(_serializer=serializer, _task=task, _stacks=stacks, _after=after)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_serializer"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_serializer"], name, value)

    def dump_stream(self, iterator: Any, stream: Any) -> Any:
        task: Task = self._task
        dump = marked(task.mark, self._stacks.around(self._serializer.dump_stream, task.mark))
        task.begin_data()
        try:
            return dump(iterator, stream)
        finally:
            task.end_data()
            self._after()


def marked(mark: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, called from a frame of this name in the file `MARK`."""

    def frame(*args: Any) -> Any:
        return call(*args)

    code = frame.__code__.replace(co_name=mark, co_filename=MARK)
    if sys.version_info >= (3, 11):
        code = code.replace(co_qualname=mark)
    return FunctionType(code, frame.__globals__, mark, None, frame.__closure__)


def function_name(function: Any) -> str:
    """As `hydrofoil.evals.udf` has it, which would bring its extension into a stock worker."""
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def codes_of(function: Any, depth: int = 5) -> list[list[Any]]:
    """File, name and first line of each code object that calling ``function`` runs first.

    Looks through partials, bound methods, wrappers and objects that can be called; of a class, all
    its methods. Compiled functions have none.
    """
    found: list[list[Any]] = []
    if depth == 0:
        return found
    code = getattr(function, "__code__", None)
    if code is not None and hasattr(code, "co_filename"):
        found.append([code.co_filename, code.co_name, code.co_firstlineno])
    for inner in ("func", "__func__", "__wrapped__"):
        if (next_one := getattr(function, inner, None)) is not None:
            found += codes_of(next_one, depth - 1)
    members = vars(function).values() if isinstance(function, type) else ()
    for member in members:
        found += codes_of(member, depth - 1)
    if not found and not isinstance(function, type):
        call = vars(type(function)).get("__call__")
        found += codes_of(call, depth - 1) if call is not None else []
    return found

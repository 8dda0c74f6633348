"""Stock's worker with some of its functions exchanged: what the adapters of all Spark lines share.

A line's adapter reads what passes through these functions, describes it as `Udf` objects, and puts
Hydrofoil's plans where stock's function for the task would be. The task's context, files,
broadcasts, accumulators, profilers, timing and errors stay stock's own.
"""

import socket
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Any, BinaryIO, ClassVar

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.pickled import PickledProjection
from hydrofoil.evals.udf import Udf, function_name
from hydrofoil.process import user_modules
from hydrofoil.spark import signatures
from hydrofoil.spark.caps import installed_line
from hydrofoil.spark.logs import output_context
from hydrofoil.spark.stock import private_worker, report_failure

# The functions that one function of stock's `chain` calls, as an attribute of it.
CHAIN = "__hydrofoil_chain__"

# A task's function, its profiler, and what reads its input and writes its output.
Pipeline = tuple[Callable[..., Any], Any, Any, Any]


class StaysStock(Exception):
    """Stock's code runs the task; ``str()`` is the reason that is shown."""


class Capture:
    """What stock's reading of one task's UDFs goes through, noted on the way."""

    def __init__(self) -> None:
        self.udfs: list[Udf] = []
        self.replays: list[Any] = []
        self.prepared: list[Any] = []
        # What stock guards against StopIteration: by UDF, and the last.
        self.guards: list[Any] = []
        self.names: list[str] = []
        self.stock_only = False
        self.return_type: Any = None
        self.guarded: Any = None
        self.unknown: Exception | None = None

    def require_known(self) -> None:
        """Raise StaysStock if a UDF could not be made out in what stock has made of it."""
        if self.unknown is not None:
            raise _unplanned(self.unknown) from self.unknown


class StockWorker:
    """Stock's worker, and the functions of it that every line's adapter exchanges.

    ``exchanged`` names them; each is a method of this class, and stock's own is in ``original``.

    Raises
    ------
    UnknownPySpark
        Stock's worker is not the one that the version's adapter is made for.
    """

    exchanged: ClassVar[tuple[str, ...]] = (
        "read_udfs",
        "read_single_udf",
        "read_udtf",
        "read_command",
        "fail_on_stopiteration",
        "chain",
    )

    def __init__(self) -> None:
        self.stock = private_worker()
        line = installed_line()
        assert line is not None, "an adapter is made for a version that the table has"
        signatures.check_worker(line.minor, self.stock)
        self.capture: Capture | None = None
        self.original = {name: getattr(self.stock, name) for name in self.exchanged}
        for name in self.exchanged:
            setattr(self.stock, name, getattr(self, name))
        self._exchange_reports()

    def _exchange_reports(self) -> None:
        """Have errors and captured output look as if stock's code had run."""
        vars(self.stock)["handle_worker_exception"] = report_failure
        capture_outputs = getattr(self.stock, "capture_outputs", None)
        if capture_outputs is not None:  # Since 4.1.
            vars(self.stock)["capture_outputs"] = partial(capture_outputs, output_context)

    def main(self, infile: BinaryIO, outfile: BinaryIO) -> None:
        """Run one task; see `hydrofoil.worker.main`."""
        self.stock.main(infile, outfile)

    # --- Stock's functions, with an eye on what passes through ------------------------------------

    def read_command(self, *args: Any, **kwargs: Any) -> Any:
        # The task's files are on the path now, and nothing of the user's has been imported.
        user_modules.give_way()
        command = self.original["read_command"](*args, **kwargs)
        if self.capture is not None:
            # A table function's command is its handler alone.
            function, self.capture.return_type = (
                command if isinstance(command, tuple) else (command, None)
            )
            self.capture.names.append(function_name(function))
        return command

    def chain(self, first: Any, second: Any) -> Any:
        chained = self.original["chain"](first, second)
        setattr(chained, CHAIN, (*getattr(first, CHAIN, (first,)), second))
        return chained

    def fail_on_stopiteration(self, function: Any) -> Any:
        if self.capture is not None:
            self.capture.guarded = function
        return self.original["fail_on_stopiteration"](function)

    def read_udfs(self, *args: Any) -> Pipeline:
        raise NotImplementedError

    def read_single_udf(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def read_udtf(self, *args: Any) -> Pipeline:
        raise NotImplementedError

    # --- For the adapters -------------------------------------------------------------------------

    def run(self, call: Callable[[], Any]) -> Any:
        """Call, turning StopIteration into what stock makes of it."""
        return self.original["fail_on_stopiteration"](call)()

    def pickled(self, udfs: list[Udf], stock: Pipeline) -> Pipeline:
        """The fast path of a SQL_BATCHED_UDF that stock runs by ``stock``."""
        deserializer, serializer = stock[2:]
        projection = PickledProjection(
            udfs,
            serializer.batchSize,
            run=self.run,
            trace=TaskTrace(describe(100)),
        )
        # The batched serializer's inner one reads and writes lists of rows.
        return projection, None, deserializer.serializer, serializer.serializer


def planned(make: Callable[[], Pipeline]) -> Pipeline:
    """The plan that an adapter makes of what stock has made of a task.

    Raises
    ------
    StaysStock
        As ``make``; also if it fails, for then stock's worker holds something else than this
        version's does, and stock's own plan runs the task.
    Exception
        What PySpark or pyarrow object to, such as a declared type.
    """
    try:
        return make()
    except StaysStock:
        raise
    except Exception as error:
        if type(error).__module__.startswith(("pyspark.", "pyarrow.")):
            raise
        raise _unplanned(error) from error


def _unplanned(error: Exception) -> StaysStock:
    reason = f"no plan can be made of what PySpark's worker holds ({type(error).__name__}: {error})"
    _tell_once(reason)
    return StaysStock(reason)


@cache
def _tell_once(reason: str) -> None:
    print(
        f"hydrofoil on {socket.gethostname()}: {reason}, so its own code runs such tasks; this is "
        "a PySpark that Hydrofoil does not know in full",
        file=sys.stderr,
        flush=True,
    )


def functions_of(function: Any) -> tuple[Any, ...]:
    """The functions that stock's chained ``function`` calls, or just itself."""
    functions: tuple[Any, ...] = getattr(function, CHAIN, (function,))
    return functions


def publish_stock(eval_type: int, names: list[str], reason: str) -> None:
    """Trace UDFs that run on stock's code."""
    trace = TaskTrace(describe(eval_type))
    trace.udfs = [UdfTrace(name, "", "stock", reason) for name in names]
    trace.publish()

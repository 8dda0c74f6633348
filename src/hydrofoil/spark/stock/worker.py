"""Stock's worker, with functions exchanged for such that note what a task is and ask for a plan.

What passes through the exchanged functions is described as a `Task`, and the plan that is made for
it stands where stock's function for the task would be. The task's context, files, broadcasts,
accumulators, profilers, timing and errors stay stock's own.
"""

import io
import itertools
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, BinaryIO, ClassVar, Protocol

import pyspark.util
from pyspark.taskcontext import TaskContext

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.deaths import page
from hydrofoil.errors import UsageError
from hydrofoil.evals.eval_types import describe, items_of, kind_of
from hydrofoil.evals.udf import function_name
from hydrofoil.failures import kept, present
from hydrofoil.failures.located import Located
from hydrofoil.failures.printing import print_notes
from hydrofoil.process import address_space, user_modules
from hydrofoil.reports import logs, on_error
from hydrofoil.spark import signatures
from hydrofoil.spark.stock.capture import CHAIN, Capture
from hydrofoil.spark.stock.conf import Conf, ConfObjects, ConfStrings, once_parsed
from hydrofoil.spark.stock.groups import understanding
from hydrofoil.spark.stock.logs import output_context
from hydrofoil.spark.stock.pipeline import Pipeline
from hydrofoil.spark.stock.private_copy import private_worker
from hydrofoil.spark.stock.task import NOT_HERE, Call, StaysStock, TableTask, Task
from hydrofoil.spark.stock.tracebacks import format_encodable, format_in_main, report_failure
from hydrofoil.spark.versions import SparkVersion


class Plans(Protocol):
    """What makes the plans of tasks; see `hydrofoil.spark.plans`."""

    def declined(self, version: SparkVersion, eval_type: int, conf: Conf) -> str:
        """Why stock has to run a task of this configuration; empty if nothing speaks for it."""

    def plan(self, task: Task) -> Pipeline:
        """What runs a task instead of stock's pipeline; raises StaysStock if stock has to."""

    def plan_table(self, task: TableTask) -> Pipeline:
        """As `plan`, for a table function."""


class StockWorker:
    """Stock's worker, and the functions of it that are exchanged.

    ``exchanged`` names them; each is a method of this class, and stock's own is in ``original``.
    The functions that stock puts around users' are exchanged, too, where a version has any.

    Raises
    ------
    UnknownPySpark
        Stock's worker is not the published one.
    """

    exchanged: ClassVar[tuple[str, ...]] = (
        "read_udfs",
        "read_single_udf",
        "read_udtf",
        "read_command",
        "fail_on_stopiteration",
        "chain",
    )

    def __init__(self, version: SparkVersion, plans: Plans) -> None:
        self.version = version
        self.plans = plans
        self.stock = private_worker()
        signatures.check_worker(version.published, self.stock)
        self.parameters = {
            name: listed.replace("=", "").split(", ")
            for name, listed in signatures.TABLE[version.published][signatures.WORKER].items()
        }
        self.capture: Capture | None = None
        self.original = {name: getattr(self.stock, name) for name in self.exchanged}
        for name in self.exchanged:
            setattr(self.stock, name, getattr(self, name))
        for name in filter(is_wrapper, self.parameters):
            setattr(self.stock, name, partial(self._wrap, name, getattr(self.stock, name)))
        self._exchange_reports()
        self._widen_memory_limit()
        if self.version.udfs_are_parsed:
            # Imported here, because other versions have no module of messages.
            from hydrofoil.spark.stock.messages import KnownMessages, Receiver

            vars(self.stock)["SparkSocketMessageReceiver"] = Receiver
            vars(self.stock)["WorkerInitInfo"] = KnownMessages(self.stock)
        if self.version.confs_are_objects:
            vars(self.stock)["EvalConf"] = once_parsed(self.stock.EvalConf)

    def _exchange_reports(self) -> None:
        """Have errors and captured output look as if stock's code had run, and print notes."""
        print_notes()
        if self.version.main_formats_errors:
            format_in_main(self.stock)
        else:
            format_encodable(pyspark.util)
            vars(self.stock)["handle_worker_exception"] = report_failure
        if self.version.output_is_captured:
            vars(self.stock)["capture_outputs"] = partial(
                self.stock.capture_outputs, output_context
            )

    def _widen_memory_limit(self) -> None:
        """Leave a task as much of `spark.executor.pyspark.memory` as stock's worker would have."""
        if not self.version.memory_limit_is_a_function:
            vars(self.stock)["resource"] = address_space.Resource(self.stock.resource)
            return
        limit: Callable[[int], None] = self.stock.setup_memory_limits

        def setup_memory_limits(memory_limit_mb: int) -> None:
            limit(memory_limit_mb + address_space.ahead_mib() if memory_limit_mb > 0 else -1)

        vars(self.stock)["setup_memory_limits"] = setup_memory_limits

    def main(self, infile: BinaryIO, outfile: BinaryIO) -> None:
        """Run one task; see `hydrofoil.worker.main`."""
        try:
            self.stock.main(kept.begin(infile), outfile)
        finally:
            present.leave()

    # --- Stock's functions, with an eye on what passes through ------------------------------------

    def read_command(self, *args: Any, **kwargs: Any) -> Any:
        # The task's files are on the path now, and nothing of the user's has been imported.
        user_modules.give_way()
        command = self.original["read_command"](*args, **kwargs)
        if self.capture is not None:
            if on_error.is_asked():
                command = on_error.by_setting(command, kind_of(self.capture.eval_type))
            # A table function's command is its handler alone.
            function, *types = command if isinstance(command, tuple) else (command, None)
            if len(types) != 1:
                self.capture.unknown = LookupError(f"a command of {len(types) + 1} parts")
            self.capture.return_type = types[0] if types else None
            self.capture.names.append(function_name(function))
            self.capture.functions.append(function)
        else:
            # Functions of RDDs are PySpark's own, with users' somewhere in them.
            kept.leave_out()
            logs.install(local_properties().get(logs.LOGS_KEY))
            context = TaskContext.get()
            partition = -1 if context is None else context.partitionId()
            page.mine().begin_functions(("a function of an RDD",), partition)
        return command

    def chain(self, first: Any, second: Any) -> Any:
        chained = self.original["chain"](first, second)
        setattr(chained, CHAIN, (*getattr(first, CHAIN, (first,)), second))
        return chained

    def fail_on_stopiteration(self, function: Any) -> Any:
        if self.capture is not None:
            self.capture.guarded = function
        return self.original["fail_on_stopiteration"](function)

    def _wrap(self, name: str, wrapper: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.capture is None or self.capture.names_alone:
            return wrapper(*args, **kwargs)
        return self.capture.wrap(wrapper, self._named(name, args, kwargs))

    def read_single_udf(self, *args: Any, **kwargs: Any) -> Any:
        original, capture = self.original["read_single_udf"], self.capture
        if capture is None or capture.names_alone:
            return original(*args, **kwargs)
        given = self._named("read_single_udf", args, kwargs)
        known = capture.prepared[given["udf_index"] :]
        if known:  # Stock's function is made once more.
            return known[0]
        capture.begin()
        prepared = original(*args, **kwargs)
        try:
            prepared = capture.note(prepared, given.get("udf_info"))
        except Exception as error:
            capture.unknown = error
        capture.prepared.append(prepared)
        return prepared

    def read_udfs(self, pickle_ser: Any, source: Any, eval_type: int, *confs: Any) -> Any:
        """Read a task's functions.

        Parameters
        ----------
        source : list or binary file
            What the functions are read from: objects, or the stream.
        confs : tuple
            The configurations, on versions that have objects for them.

        Returns
        -------
        Pipeline
            Ours, or what stock's worker returns.
        """
        on_error.begin_task(local_properties())
        read = partial(self.original["read_udfs"], pickle_ser)
        reason = self._declined(eval_type, confs)
        with self._capturing(eval_type, names_alone=bool(reason)) as capture:
            stock = read(source, eval_type, *confs)
            if not reason:
                try:
                    made = planned(
                        lambda: self.plans.plan(self._task(capture, read, source, stock, confs))
                    )
                    chains = [udf.chain for udf in capture.udfs]
                    return _located(made, [*itertools.chain(*chains)], eval_type, chains)
                except StaysStock as unplanned:
                    reason = str(unplanned)
        if self.version.udfs_are_parsed and capture.replays:
            # Once more, without what was put in the place of functions.
            with self._capturing(eval_type, names_alone=True):
                stock = read(source, eval_type, *confs)
        publish_stock(eval_type, capture.names, reason)
        stock = understanding(stock, eval_type, lone_batches=self.version.lone_batches)
        return _located(stock, capture.functions, eval_type)

    def read_udtf(self, pickle_ser: Any, source: Any, eval_type: int, *confs: Any) -> Any:
        """Read a table function; all is as for `read_udfs`."""
        on_error.begin_task(local_properties())
        with self._capturing(eval_type, names_alone=True) as capture:
            stock = self.original["read_udtf"](pickle_ser, source, eval_type, *confs)
        parsed = self.version.udfs_are_parsed
        name = source.name if parsed else capture.names[-1]
        try:
            made = planned(
                lambda: self.plans.plan_table(
                    TableTask(
                        version=self.version,
                        worker=self.stock,
                        eval_type=eval_type,
                        name=name,
                        return_type=source.return_type if parsed else "",
                        stock=Pipeline(*stock),
                        conf=ConfObjects(*confs) if confs else None,
                    )
                )
            )
            return _located(made, capture.functions, eval_type)
        except StaysStock as reason:
            publish_stock(eval_type, [name], str(reason))
        return _located(stock, capture.functions, eval_type)

    # --- What the functions above have in common --------------------------------------------------

    @contextmanager
    def _capturing(self, eval_type: int, *, names_alone: bool) -> Iterator[Capture]:
        self.capture = Capture(eval_type, names_alone=names_alone)
        try:
            yield self.capture
        finally:
            self.capture = None

    def _named(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """What a function of stock's is given, by the names of its parameters."""
        return {**dict(zip(self.parameters[name], args, strict=False)), **kwargs}

    def _declined(self, eval_type: int, confs: tuple[Any, ...]) -> str:
        """Why stock has to run a task, as far as that is known before its functions are read."""
        if eval_type not in self.version.fast:
            return NOT_HERE
        if not confs:
            return ""
        try:
            return self.plans.declined(self.version, eval_type, ConfObjects(*confs))
        except UsageError:
            raise
        except Exception as error:
            return str(_unplanned(error))

    def _task(
        self,
        capture: Capture,
        read: Callable[..., Any],
        source: Any,
        stock: tuple[Any, ...],
        confs: tuple[Any, ...],
    ) -> Task:
        """What stock has made of a task.

        Parameters
        ----------
        read, source : callable, object
            What has read the functions, and from where.

        Raises
        ------
        StaysStock
            If a function could not be made out, or the configuration says so.
        """
        if capture.unknown is not None:
            raise _unplanned(capture.unknown) from capture.unknown
        pipeline, wrapped = Pipeline(*stock), capture.wrapped
        conf: Conf
        if confs:
            conf = ConfObjects(*confs)
        else:
            runner = {} if wrapped is None else wrapped.given.get("runner_conf", {})
            conf = ConfStrings(self.version, self.stock, runner, pipeline.deserializer)
            if reason := self.plans.declined(self.version, capture.eval_type, conf):
                raise StaysStock(reason)
        return Task(
            version=self.version,
            worker=self.stock,
            eval_type=capture.eval_type,
            udfs=capture.udfs,
            prepared=capture.prepared,
            replays=capture.replays,
            stock=pipeline,
            conf=conf,
            wrapped=None if wrapped is None else wrapped.around,
            run=self._run,
            without_threads=partial(self._unthreaded, capture, read, source, conf),
        )

    def _unthreaded(
        self, capture: Capture, read: Callable[..., Any], source: Any, conf: Conf
    ) -> Callable[..., Any]:
        assert isinstance(conf, ConfObjects), "threads are planned for where conf is an object"
        if not self.version.udfs_are_parsed:
            # The UDFs are known by now: all that is still read is how many there are.
            source = io.BytesIO(struct.pack("!i", len(capture.udfs)))
        stock = Pipeline(*read(source, capture.eval_type, conf.unthreaded(), conf.evaluation))
        return stock.function

    def _run(self, call: Call) -> Any:
        """Call, turning StopIteration into what stock makes of it."""
        return self.original["fail_on_stopiteration"](call)()


def _located(
    pipeline: tuple[Any, ...],
    functions: list[Any],
    eval_type: int,
    chains: Sequence[tuple[Any, ...]] = (),
) -> tuple[Any, ...]:
    """What a task is run by, with errors that say where they were raised.

    What stock's ``read_udfs`` returns in another than the published form stays as it is.
    """
    if len(pipeline) != len(Pipeline._fields):
        return pipeline
    function, *others = pipeline
    return Pipeline(Located(function, functions, items_of(eval_type), chains), *others)


def local_properties() -> Mapping[str, str]:
    """The properties of the driver's thread that a task has got; empty for what is no task."""
    context = TaskContext.get()
    # Its method for one of them costs more than all of them here.
    return getattr(context, "_localProperties", None) or {}


def is_wrapper(name: str) -> bool:
    """Whether stock's function of a name is put around users' functions of some eval type."""
    return name.startswith("wrap_")


def planned(make: Callable[[], Pipeline]) -> Pipeline:
    """The plan that is made of what stock has made of a task.

    Raises
    ------
    StaysStock
        As ``make``; also if it fails, for then stock's worker holds something else than this
        version's does, and stock's own plan runs the task.
    UsageError
        A variable of Hydrofoil's has a value that it can't have.
    Exception
        What PySpark or pyarrow object to, such as a declared type.
    """
    try:
        return make()
    except (StaysStock, UsageError):
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


def publish_stock(eval_type: int, names: list[str], reason: str) -> None:
    """Trace UDFs that run on stock's code."""
    task = TaskTrace(describe(eval_type))
    task.udfs = [UdfTrace(name, "", "stock", reason) for name in names]
    task.publish()

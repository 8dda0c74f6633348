"""A DataFrame's plan in the JVM: its operators that call Python, and their functions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hydrofoil.evals.eval_types import EvalType
from hydrofoil.spark.asked import AskedFunction, Question
from hydrofoil.tools.paths.jvm import Operator, left_reason

# Every operator that has a Python worker has this metric.
_SENT = "pythonDataSent"
_FIELDS = 1000

_FUNCTIONS = ("PythonUDF", "PythonUDAF", "PythonUDTF")
_NAMED = "NamedArgumentExpression"
_WINDOW = "WindowExpression"
# What Spark runs an aggregate as, where it is over a window.
_OVER_WINDOWS: dict[int, int] = {
    EvalType.SQL_GROUPED_AGG_PANDAS_UDF: EvalType.SQL_WINDOW_AGG_PANDAS_UDF,
    EvalType.SQL_GROUPED_AGG_ARROW_UDF: EvalType.SQL_WINDOW_AGG_ARROW_UDF,
}
_UNBOUNDED = "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"


@dataclass
class Function:
    """A Python function of a plan, with those that are called on its argument before it.

    ``bound`` is empty for one that is not over a window.
    """

    chain: list[Any]
    arguments: list[Any]
    bound: str = ""

    @property
    def name(self) -> str:
        """ "f", or "g(f)" for a chain."""
        first, *others = [str(each.name()) for each in self.chain]
        for other in others:
            first = f"{other}({first})"
        return first

    @property
    def eval_type(self) -> int:
        """PySpark's number of its kind."""
        number = int(self.chain[-1].evalType())
        return _OVER_WINDOWS.get(number, number) if self.bound else number

    @property
    def is_table(self) -> bool:
        """Whether it is a table function."""
        return _class(self.chain[-1]) == "PythonUDTF"

    @property
    def signature(self) -> str:
        """The types of its arguments and its result."""
        result = self.chain[-1]
        declared = result.elementSchema() if self.is_table else result.dataType()
        types = ", ".join(str(_value(a).dataType().simpleString()) for a in self.arguments)
        return f"({types}) -> {declared.simpleString()}"


@dataclass
class Calls:
    """An operator, and the functions that it calls in one worker."""

    operator: Operator
    functions: list[Function] = field(default_factory=list)
    cached: bool = False


class Plan:
    """The plan of a DataFrame of a classic session."""

    def __init__(self, df: Any) -> None:
        self.session = df.sparkSession
        self.jvm = self.session._jvm
        self.root = df._jdf.queryExecution().executedPlan()

    def calls(self) -> list[Calls]:
        """Each operator that calls Python."""
        return list(self._walk(self.root, "", cached=False))

    def _walk(self, node: Any, reason: str, *, cached: bool) -> Iterator[Calls]:
        name, description = str(node.nodeName()), str(node.simpleString(_FIELDS))
        if node.metrics().contains(_SENT):
            yield Calls(
                Operator(name, description, reason),
                [f for e in _listed(node.expressions()) for f in _functions(e, "")],
                cached,
            )
        below = left_reason(name, description)
        for child, is_cached in self._below(node, description):
            yield from self._walk(child, below, cached=cached or is_cached)

    def _below(self, node: Any, description: str) -> Iterator[tuple[Any, bool]]:
        """What a node's input comes from, and whether a cache is between."""
        kind = _class(node)
        if kind == "AdaptiveSparkPlanExec":
            yield self._adaptive(node, description), False
        elif kind.endswith("QueryStageExec"):
            yield node.plan(), False
        elif kind == "InMemoryTableScanExec":
            yield node.relation().cachedPlan(), True
        elif kind == "CommandResultExec":
            yield node.commandPhysicalPlan(), False
        for child in _listed(node.children()):
            yield child, False
        for subquery in _listed(node.subqueries()):
            yield subquery, False

    def _adaptive(self, node: Any, description: str) -> Any:
        """The plan that has run; or the one that will, as far as it is known before."""
        if "isFinalPlan=true" in description:
            return node.executedPlan()
        # When a stage is about to run, its operators are chosen by these rules.
        execution = self.jvm.org.apache.spark.sql.execution
        rules = self.session._jsparkSession.sessionState().columnarRules()
        return execution.ApplyColumnarRulesAndInsertTransitions(rules, False).apply(
            node.initialPlan()
        )

    # --- For the workers --------------------------------------------------------------------------

    def question(self, calls: Calls) -> Question:
        """What an operator's workers would be sent, but for the rows."""
        types = [_value(a).dataType() for f in calls.functions for a in f.arguments]
        fields = [
            {"name": f"_{i}", "type": json.loads(t.json()), "nullable": True, "metadata": {}}
            for i, t in enumerate(types)
        ]
        input_type = json.dumps({"type": "struct", "fields": fields})
        return Question(
            calls.functions[0].eval_type,
            [
                AskedFunction(
                    [self._bytes(each.func().command()) for each in function.chain],
                    [_name(argument) for argument in function.arguments],
                )
                for function in calls.functions
            ],
            self._conf,
            input_type,
            self._schema(input_type),
            [function.bound for function in calls.functions if function.bound],
        )

    def broadcasts(self, calls: Calls) -> dict[int, str]:
        """The file of each broadcast variable of the functions."""
        found = {}
        for function in calls.functions:
            for each in function.chain:
                for variable in each.func().broadcastVars():
                    found[int(variable.id())] = str(variable.value().path())
        return found

    @cached_property
    def _conf(self) -> dict[str, str]:
        """The settings that Spark sends workers, in Spark's own choice."""
        conf = self.session._jsparkSession.sessionState().conf()
        runner = self.jvm.org.apache.spark.sql.execution.python.ArrowPythonRunner
        pairs = _listed(runner.getPythonRunnerConfMap(conf).toSeq())
        return {str(pair._1()): str(pair._2()) for pair in pairs}

    def _schema(self, input_type: str) -> bytes:
        """The schema that Spark's Arrow streams of these columns begin with."""
        jvm = self.jvm
        struct = jvm.org.apache.spark.sql.types.DataType.fromJson(input_type)
        zone = self.session.conf.get("spark.sql.session.timeZone")
        large = self._conf.get("spark.sql.execution.arrow.useLargeVarTypes") == "true"
        utils = jvm.org.apache.spark.sql.util.ArrowUtils
        # Since 4.2 there is no setting for equal names of a struct's fields.
        before_42 = tuple(map(int, self.session.version.split(".")[:2])) < (4, 2)
        schema = utils.toArrowSchema(struct, zone, *([False] if before_42 else []), large)
        out = jvm.java.io.ByteArrayOutputStream()
        ipc = jvm.org.apache.arrow.vector.ipc
        channel = ipc.WriteChannel(jvm.java.nio.channels.Channels.newChannel(out))
        ipc.message.MessageSerializer.serialize(channel, schema)
        return bytes(out.toByteArray())

    def _bytes(self, sequence: Any) -> bytes:
        if isinstance(sequence, (bytes, bytearray)):
            return bytes(sequence)
        return bytes(sequence.toArray(self.jvm.scala.reflect.ClassTag.Byte()))


def _functions(expression: Any, bound: str) -> Iterator[Function]:
    """The Python functions in an expression, each with the chain that ends with it."""
    kind = _class(expression)
    if kind in _FUNCTIONS:
        chain = [expression]
        arguments = _listed(expression.children())
        while len(arguments) == 1 and _class(arguments[0]) in _FUNCTIONS:
            chain.insert(0, arguments[0])
            arguments = _listed(arguments[0].children())
        yield Function(chain, arguments, bound)
        return
    if kind == _WINDOW:
        frame = str(expression.windowSpec().frameSpecification().sql())
        bound = "unbounded" if _UNBOUNDED in frame else "bounded"
    for child in _listed(expression.children()):
        yield from _functions(child, bound)


def _value(argument: Any) -> Any:
    return argument.value() if _class(argument) == _NAMED else argument


def _name(argument: Any) -> str | None:
    return str(argument.key()) if _class(argument) == _NAMED else None


def _class(thing: Any) -> str:
    return str(thing.getClass().getSimpleName())


def _listed(sequence: Any) -> list[Any]:
    return [sequence.apply(i) for i in range(sequence.size())]

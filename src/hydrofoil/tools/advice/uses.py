"""Where a DataFrame's plan calls Python functions, and what they are called with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError

from hydrofoil.compiling.trailer import MAGIC, document_of, trailer
from hydrofoil.compiling.translate import translate
from hydrofoil.evals.eval_types import describe
from hydrofoil.spark.row_functions import ROW_KINDS
from hydrofoil.tools.advice.value import NoExpression

_FUNCTIONS = ("PythonUDF", "PythonUDAF", "PythonUDTF")
_NAMED = "NamedArgumentExpression"
_COLUMN = "AttributeReference"
# What Spark calls a window's result that a function is called on.
_WINDOW = re.compile(r"_we?\d+")


@dataclass
class Use:
    """A call of a function in a plan: the function's and its plan's objects of the JVM.

    ``named`` has what ``WITH`` names above the plan.
    """

    session: Any
    function: Any
    plan: Any
    named: list[Any]

    @property
    def name(self) -> str:
        return str(self.function.name())

    @property
    def declared(self) -> str:
        return str(self.function.dataType().simpleString())

    @property
    def arguments(self) -> list[Any]:
        return [a.value() if _class(a) == _NAMED else a for a in _listed(self.function.children())]

    @property
    def names(self) -> list[str | None]:
        """Of arguments that are given by name."""
        children = _listed(self.function.children())
        return [str(a.key()) if _class(a) == _NAMED else None for a in children]

    @property
    def signature(self) -> str:
        types = ", ".join(str(a.dataType().simpleString()) for a in self.arguments)
        return f"({types}) -> {self.declared}"

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Each argument as code to paste, and as a name for sentences."""
        return [self._shown(place, argument) for place, argument in enumerate(self.arguments)]

    def _shown(self, place: int, argument: Any) -> tuple[str, str]:
        if _class(argument) == _COLUMN and not _WINDOW.fullmatch(str(argument.name())):
            name = str(argument.name())
            quoted = name if name.isidentifier() else "`" + name.replace("`", "``") + "`"
            return f"F.col({quoted!r})", name
        name = str(argument.sql())
        if _class(argument) == _COLUMN or next(_functions(argument), None) is not None:
            # Neither F.col nor SQL knows it; whoever pastes the code has the column.
            return f"argument{place}", name
        return f"F.expr({name!r})", name

    @property
    def variables(self) -> list[str]:
        """What is to be known of arguments that are variables in the code to paste."""
        return [f"{code} is the column {name}" for code, name in self.shown if code.isidentifier()]

    @property
    def command(self) -> bytes:
        """The pickled function, without what Hydrofoil has put behind it."""
        found = self.function.func().command()
        if not isinstance(found, bytes | bytearray):
            found = found.toArray(self.session._jvm.scala.reflect.ClassTag.Byte())
        command = bytes(found)
        if not command.endswith(MAGIC):
            return command
        size = int.from_bytes(command[-16:-8], "big")
        return command[: -16 - size]

    @property
    def identity(self) -> tuple[str, str, int, bytes, str]:
        """What is the same where a program calls the same function on the same."""
        kind = int(self.function.evalType())
        return (self.name, self.signature, kind, self.command, str(self.shown))

    def document(self) -> dict[str, Any]:
        """What the function does, by the translator.

        Raises
        ------
        NoExpression
            It is of another kind, or the translator leaves it alone.
        """
        kind = int(self.function.evalType())
        if _class(self.function) != "PythonUDF" or kind not in ROW_KINDS:
            raise NoExpression(f"it is no plain function, but {describe(kind)}")
        if not self.function.udfDeterministic():
            raise NoExpression("it is declared to be not deterministic")
        given = self.function.func().command()
        if isinstance(given, bytes | bytearray):
            known = document_of(bytes(given))
            if known is not None and "body" in known:
                return known
        found = translate(self._loaded())
        if found.document is None:
            raise NoExpression(found.reason)
        return found.document

    def _loaded(self) -> Any:
        from pyspark.serializers import CloudPickleSerializer

        try:
            # The driver's own pickle, of this session.
            loaded = CloudPickleSerializer().loads(self.command)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise NoExpression(f"it can't be read here: {type(error).__name__}: {error}") from None
        if not isinstance(loaded, tuple):
            raise NoExpression("its pickle is large, so that Spark broadcasts it")
        return loaded[0]

    def given(self, rows: int | None) -> Any:
        """The DataFrame of the function's arguments: a0, a1 and so on, of at most so many rows.

        Raises
        ------
        NoExpression
            What it is called with is no row of one DataFrame.
        """
        from pyspark.sql import DataFrame

        children = _listed(self.plan.children())
        if len(children) != 1:
            raise NoExpression(f"it is called between {len(children)} DataFrames")
        if self.plan.isStreaming():
            raise NoExpression("it is called on a stream, whose rows can't be compared")
        jvm = self.session._jvm
        expressions = jvm.org.apache.spark.sql.catalyst.expressions
        try:
            [below] = children
            columns = [
                expressions.Alias(
                    argument,
                    f"a{place}",
                    expressions.NamedExpression.newExprId(),
                    self._sequence([]),
                    jvm.scala.Option.empty(),
                    self._sequence([]),
                )
                for place, argument in enumerate(self.arguments)
            ]
            logical = jvm.org.apache.spark.sql.catalyst.plans.logical
            if any(_aggregates(argument) for argument in self.arguments):
                made = self._aggregate(logical, columns, below)
            else:
                made = logical.Project(self._sequence(columns), below)
            for names in self.named:
                made = logical.WithCTE(made, names)
            found = self._dataset(made)
            return DataFrame(found if rows is None else found.limit(rows), self.session)
        except NoExpression:
            raise
        except Exception as error:
            raise NoExpression(f"its input can't be had on its own: {first_line(error)}") from None

    def _aggregate(self, logical: Any, columns: list[Any], below: Any) -> Any:
        if _class(self.plan) != "Aggregate":
            raise NoExpression(f"it is called on an aggregate in a {_class(self.plan)}")
        groups = self.plan.groupingExpressions()
        try:
            hint = self.session._jvm.scala.Option.empty()
            return logical.Aggregate(groups, self._sequence(columns), below, hint)
        except Py4JError:  # Before Spark 4.0 there is no hint.
            return logical.Aggregate(groups, self._sequence(columns), below)

    def called(self, given: Any, document: dict[str, Any] | None) -> Any:
        """The function's column over `given`; with a document the JVM may compile it."""
        from pyspark.sql import functions as F

        function = self.function.func()
        command = self.command if document is None else self.command + trailer(document)
        python = self.session._jvm.org.apache.spark.sql.execution.python
        made = self.session._jvm.org.apache.spark.api.python.SimplePythonFunction(
            bytearray(command),
            function.envVars(),
            function.pythonIncludes(),
            function.pythonExec(),
            function.pythonVer(),
            function.broadcastVars(),
            function.accumulator(),
        )
        version = tuple(map(int, self.session.version.split(".")[:2]))
        # Since 4.3: what Spark's own translator makes of it.
        lists = [self.session._jvm.java.util.ArrayList() for _ in range(2 * (version >= (4, 3)))]
        kind = int(self.function.evalType())
        user = python.UserDefinedPythonFunction(
            self.name, made, self.function.dataType(), kind, True, *lists
        )
        arguments = []
        for place, name in enumerate(self.names):
            column = given._jdf.col(f"a{place}")
            if name is not None:
                utils = self.session._jvm.org.apache.spark.sql.api.python.PythonSQLUtils
                column = utils.namedArgumentExpression(name, column)
            arguments.append(column)
        column = type(F.lit(1))(user.apply(self._sequence(arguments)))
        return column

    def _dataset(self, plan: Any) -> Any:
        sql = self.session._jvm.org.apache.spark.sql
        before_4 = self.session.version.startswith("3.")
        dataset = sql.Dataset if before_4 else sql.classic.Dataset
        return dataset.ofRows(self.session._jsparkSession, plan)

    def _sequence(self, members: list[Any]) -> Any:
        jvm = self.session._jvm
        listed = jvm.java.util.ArrayList()
        for member in members:
            listed.add(member)
        return jvm.org.apache.spark.api.python.PythonUtils.toSeq(listed)


def uses(df: Any) -> list[Use]:
    """Each call of a Python function in a DataFrame's plan, as it was written, each once."""
    found: dict[Any, Use] = {}
    for use in _walk(df.sparkSession, df._jdf.queryExecution().analyzed(), []):
        found.setdefault(use.identity, use)
    return list(found.values())


def _walk(session: Any, plan: Any, named: list[Any]) -> Iterator[Use]:
    if _class(plan) == "WithCTE":
        named = [plan.cteDefs(), *named]
    for expression in _listed(plan.expressions()):
        for function in _functions(expression):
            yield Use(session, function, plan, named)
    for below in (*_listed(plan.children()), *_listed(plan.subqueries())):
        yield from _walk(session, below, named)


def _aggregates(expression: Any) -> bool:
    return _class(expression) == "AggregateExpression" or any(
        _aggregates(child) for child in _listed(expression.children())
    )


def _functions(expression: Any) -> Iterator[Any]:
    for child in _listed(expression.children()):
        yield from _functions(child)
    if _class(expression) in _FUNCTIONS:
        yield expression


def first_line(error: BaseException) -> str:
    """What an error says, without the traces around it."""
    of_java = getattr(error, "java_exception", None)
    lines = str(error if of_java is None else of_java.toString()).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def _class(thing: Any) -> str:
    return str(thing.getClass().getSimpleName())


def _listed(sequence: Any) -> list[Any]:
    return [sequence.apply(i) for i in range(sequence.size())]

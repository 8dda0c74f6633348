"""Table functions: what they are called with, what becomes of their rows, and how they end."""

import array
import sys
import time
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import SkipRestOfInputTableException, udtf
from pyspark.sql.types import IntegerType, LongType, StringType, StructType
from pyspark.sql.udtf import AnalyzeArgument, AnalyzeResult, OrderingColumn, PartitioningColumn

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe, describe_arguments
from hydrofoil.tools.parity.samples import BASE, SPECIAL, TIME, TIME_CONF, Sample

# See tests/conftest.py.
ONE_IN = 17

GROUP = 5
GROUPS = [BASE[start : start + GROUP] for start in range(0, len(BASE), GROUP)]
LEGACY = "spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled"

# Spark itself fails at rows that `terminate` returns in a task without input.
ONE_TASK = {"spark.sql.shuffle.partitions": "1"}

Query = Callable[[SparkSession], DataFrame]

by_row = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])


def registered(
    spark: SparkSession,
    handler: type,
    returns: str | StructType | None,
    arrow: bool,
    name: str = "f",
) -> None:
    spark.udtf.register(name, udtf(handler, returnType=returns, useArrow=arrow))


def query(
    handler: type, returns: str | StructType | None, arrow: bool, sql: str, rows: int = 5
) -> Query:
    """``sql`` calls the handler as ``f``; ``t`` has ``rows`` rows of ``id``, in one partition."""

    def build(spark: SparkSession) -> DataFrame:
        registered(spark, handler, returns, arrow)
        numbers(spark, rows).createOrReplaceTempView("t")
        return spark.sql(sql)

    return build


LATERAL = "SELECT id, f.* FROM t, LATERAL f(id) f"


def constant(rows: Any, returns: str, arrow: bool, count: int = 3) -> Query:
    """Each call returns the same object."""

    class Constant:
        def eval(self, x: int) -> Any:
            return rows

    return query(Constant, returns, arrow, LATERAL, count)


def yielding(rows: Any, returns: str, arrow: bool, count: int = 3) -> Query:
    """Each call is a generator of the same rows."""

    class Yielding:
        def eval(self, x: int) -> Any:
            yield from rows

    return query(Yielding, returns, arrow, LATERAL, count)


# --- Arguments ------------------------------------------------------------------------------------


class Describe:
    def eval(self, *args: Any, **kwargs: Any) -> Any:
        yield (describe_arguments(*args, **kwargs),)


@by_row
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_arguments_of_every_type(parity: Parity, arrow: bool, group: tuple[Sample, ...]) -> None:
    def build(spark: SparkSession) -> DataFrame:
        registered(spark, Describe, "seen string", arrow)
        samples.columns(spark, group).createOrReplaceTempView("t")
        names = ", ".join(f"`{sample.name}`" for sample in group)
        return spark.sql(f"SELECT f.* FROM t, LATERAL f({names}) f")

    parity.same_rows(build)


@by_row
@pytest.mark.parametrize("base", BASE[::4], ids=lambda sample: sample.name)
def test_nested_arguments(parity: Parity, arrow: bool, base: Sample) -> None:
    chosen = samples.nested(base)

    def build(spark: SparkSession) -> DataFrame:
        registered(spark, Describe, "seen string", arrow)
        samples.columns(spark, chosen).createOrReplaceTempView("t")
        names = ", ".join(f"`{sample.name}`" for sample in chosen)
        return spark.sql(f"SELECT f.* FROM t, LATERAL f({names}) f")

    parity.same_rows(build)


@by_row
@pytest.mark.parametrize("sample", SPECIAL, ids=lambda sample: sample.name)
def test_special_arguments(parity: Parity, arrow: bool, sample: Sample) -> None:
    def build(spark: SparkSession) -> DataFrame:
        registered(spark, Describe, "seen string", arrow)
        samples.columns(spark, (sample,)).createOrReplaceTempView("t")
        return spark.sql(f"SELECT f.* FROM t, LATERAL f(`{sample.name}`) f")

    parity.same(build)


@by_row
@pytest.mark.parametrize(
    "call",
    [
        "f()",
        "f(1, 'a', NULL)",
        "f(id, id)",
        "f(array(id), array(id))",
        "f(a => id, b => id + 1)",
        "f(id, b => id, c => 'x')",
    ],
)
def test_how_arguments_are_passed(parity: Parity, arrow: bool, call: str) -> None:
    parity.same_rows(
        query(Describe, "seen string", arrow, f"SELECT id, f.* FROM t, LATERAL {call} f")
    )


@by_row
@pytest.mark.parametrize("call", ["f(1)", "f(1, 2, 3)", "f(c => 1)", "f(1, a => 2)"])
def test_arguments_that_do_not_match(parity: Parity, arrow: bool, call: str) -> None:
    class Two:
        def eval(self, a: int, b: int) -> Any:
            yield a, b

    parity.same_error(query(Two, "a int, b int", arrow, f"SELECT * FROM {call}"))


@by_row
def test_an_argument_that_is_changed(parity: Parity, arrow: bool) -> None:
    class Change:
        def eval(self, a: list[int], b: list[int]) -> Any:
            a.append(7)
            yield describe(b), a is b

    parity.same_rows(
        query(
            Change,
            "seen string, same boolean",
            arrow,
            "SELECT f.* FROM (SELECT array(id) AS a FROM t), LATERAL f(a, a) f",
        )
    )


# --- Rows that are returned -----------------------------------------------------------------------


class Same:
    def eval(self, *args: Any) -> Any:
        yield args
        yield tuple(None for _ in args)


def returned(columns: tuple[Sample, ...], arrow: bool, handler: type = Same) -> Query:
    def build(spark: SparkSession) -> DataFrame:
        frame = samples.columns(spark, columns)
        frame.createOrReplaceTempView("t")
        registered(spark, handler, frame.schema, arrow)
        names = ", ".join(f"t.`{sample.name}`" for sample in columns)
        return spark.sql(f"SELECT f.* FROM t, LATERAL f({names}) f")

    return build


@by_row
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_results_of_every_type(parity: Parity, arrow: bool, group: tuple[Sample, ...]) -> None:
    parity.same_rows(returned(group, arrow))


@by_row
@pytest.mark.parametrize("base", BASE[1::4], ids=lambda sample: sample.name)
def test_nested_results(parity: Parity, arrow: bool, base: Sample) -> None:
    # On the way back from the pickled path the JVM hashes rows by address.
    chosen = tuple(s for s in samples.nested(base) if arrow or "keyed_struct" not in s.name)
    parity.same(returned(chosen, arrow))


@by_row
@pytest.mark.parametrize("sample", SPECIAL, ids=lambda sample: sample.name)
def test_special_results(parity: Parity, arrow: bool, sample: Sample) -> None:
    parity.same(returned((sample,), arrow))


@by_row
def test_times(parity: Parity, arrow: bool) -> None:
    with parity.under(conf=TIME_CONF):
        parity.same(returned((TIME,), arrow))


class Plain:
    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


@dataclass
class Data:
    a: Any
    b: Any


class Slots:
    __slots__ = ("a", "b")


class OddTuple(tuple[Any, ...]):
    def __iter__(self) -> Iterator[Any]:
        return iter((8, "odd"))


class LongTuple(tuple[Any, ...]):
    def __len__(self) -> int:
        return 2


class Keyed(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return {"a": 5, "b": "five"}[key]


Named = namedtuple("Named", "b a")

ROWS = {
    "tuples": [(1, "x"), (2, None), (None, "z")],
    "Rows": [Row(1, "x"), Row(a=1, b="x"), Row(b=1, a="x")],
    "named tuples": [Named(1, "x")],
    "lists": [[1, "x"], [None, None]],
    "dicts": [{"a": 1, "b": "x"}, {"b": "y"}, {}, {"c": 1}],
    "objects": [Plain(1, "x")],
    "dataclasses": [Data(1, "x"), Data(None, "y")],
    "all kinds": [(1, "x"), [2, "y"], {"a": 3}, Data(4, "z"), None, Row(5, "q")],
    "nulls": [None, None],
    "too short": [(1, "x"), (1,)],
    "too long": [(1, "x"), (1, "x", 2)],
    "list too long": [[1, "x", 2]],
    "an empty tuple": [()],
    "an empty list": [[]],
    "numbers": [1, 2],
    "a number later": [(1, "x"), 3],
    "strings": ["ab", "cd"],
    "a string too long": ["abc"],
    "bytes": [b"ab"],
    "sets": [{1, "x"}],
    "frozen": [frozenset([1])],
    "ranges": [range(2)],
    "arrays": [np.array([1, 2]), np.array([3, 4])],
    "array.array": [array.array("l", [1, 2])],
    "ordered dicts": [OrderedDict(a=1, b="x")],
    "dicts with a get of their own": [Keyed(a=1, b="x")],
    "tuples that iterate oddly": [OddTuple((1, "x"))],
    "tuples of another length": [LongTuple((1, "x", 3))],
    "slots": [Slots()],
    "wrong types": [("1", 2)],
    "wrong type later": [(1, "x"), (2, "y"), ("three", "z")],
    "a float for an int": [(1.0, "x")],
    "a half": [(1.5, "x")],
    "bools": [(True, True)],
    "too large": [(2**31, "x")],
    "NumPy scalars": [(np.int32(1), np.str_("x"))],
    "NumPy floats": [(np.float64(2.0), "x")],
    "decimals": [(Decimal(3), Decimal("1.50"))],
    "lone surrogates": [(1, "\ud800")],
    "no rows": [],
}


@by_row
@pytest.mark.parametrize("rows", ROWS)
def test_kinds_of_rows(parity: Parity, arrow: bool, rows: str) -> None:
    parity.same(yielding(ROWS[rows], "a int, b string", arrow))


ONE = {
    "tuples": [(1,), (None,)],
    "the value itself": [1, 2, None],
    "mixed": [1, (2,), [3]],
    "lists": [[1]],
    "dicts": [{"a": 1}],
    "Rows": [Row(a=1)],
    "dataclasses": [Data(1, 2)],
    "too long": [(1, 2)],
    "empty": [()],
    "strings": ["1", "x"],
    "wrong in a tuple": [("x",)],
}


@by_row
@pytest.mark.parametrize("rows", ONE)
def test_rows_of_one_column(parity: Parity, arrow: bool, rows: str) -> None:
    parity.same(constant(ONE[rows], "a int", arrow))


@by_row
@pytest.mark.parametrize(
    ("returns", "rows"),
    [
        ("a array<int>", [[1, 2], [], None]),
        ("a array<int>", [([1, None],)]),
        ("a map<string,int>", [{"a": 1}, ({"b": None},)]),
        ("a map<string,int>", [{None: 1}]),
        ("a map<string,int>", [({None: 1},)]),
        ("a struct<x:int,y:string>", [((1, "x"),), ({"x": 2},), (None,)]),
        ("a struct<x:int,y:string>", [(1, "x")]),
        ("a struct<x:int,y:string>", [{"x": 1}]),
        ("a binary", [b"x", (bytearray(b"y"),), bytearray(b"z")]),
        ("a array<struct<x:int>>", [([(1,), Row(x=2), {"x": 3}, None],)]),
    ],
)
def test_nested_rows(parity: Parity, arrow: bool, returns: str, rows: list[Any]) -> None:
    parity.same(constant(rows, returns, arrow))
    parity.same(yielding(rows, returns, arrow))


NOT_NULL = "a int NOT NULL, b array<int>, c map<string,int>"


@by_row
@pytest.mark.parametrize(
    "rows",
    [
        [(1, [1], {"a": 1})],
        [(1, None, None)],
        [(1, [1], {"a": 1}), (None, [1], {"a": 1})],
        [(1, [1], {None: 1})],
        [None],
        [{"b": [1]}],
        [[None, [1], None]],
        [(1, [None], {"a": None})],
    ],
)
def test_columns_that_are_not_null(parity: Parity, arrow: bool, rows: list[Any]) -> None:
    parity.same(constant(rows, NOT_NULL, arrow))
    parity.same(yielding(rows, NOT_NULL, arrow))


@by_row
def test_nulls_are_found_before_the_next_row(parity: Parity, arrow: bool) -> None:
    class Stops:
        def eval(self, x: int) -> Any:
            yield (x,)
            yield (None,)
            raise ValueError("asked for more")

    parity.same_error(query(Stops, "a int NOT NULL", arrow, LATERAL))


@by_row
def test_elements_that_are_not_null(parity: Parity, arrow: bool) -> None:
    returns = StructType.fromDDL("a struct<x:int NOT NULL>, b array<int>")
    returns["b"].dataType.containsNull = False  # type: ignore[attr-defined]

    def build(rows: list[Any]) -> Query:
        class Rows:
            def eval(self, x: int) -> Any:
                yield from rows

        return query(Rows, returns, arrow, LATERAL)

    parity.same_rows(build([((1,), [1, 2])]))
    parity.same_error(build([((None,), [1, 2])]))
    parity.same_error(build([((1,), [1, None])]))


class Reused:
    """Changes what it has yielded before."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def eval(self, x: int) -> Any:
        numbers, row, fields = [x], [x, [x]], {"a": x, "b": [x]}
        self.kept += [numbers]
        yield x, numbers
        numbers.append(1)
        yield x + 1, numbers
        self.kept[0].append(2)
        yield row
        row[0] = 99
        yield fields
        fields["a"] = 98
        yield fields
        made = (x, [1, 2])
        yield made
        made[1].append(3)


@by_row
@pytest.mark.parametrize("returns", ["a long, b array<long>", "a long, b array<long> NOT NULL"])
def test_rows_that_are_changed_later(parity: Parity, arrow: bool, returns: str) -> None:
    parity.same_rows(query(Reused, returns, arrow, LATERAL))


@by_row
def test_a_row_that_spoils_later(parity: Parity, arrow: bool) -> None:
    class Spoils:
        def eval(self, x: int) -> Any:
            row = [x, "fine"]
            yield row
            row[0] = "not an int"
            yield [1, "x"]

    parity.same(query(Spoils, "a int, b string", arrow, LATERAL))


@by_row
@pytest.mark.parametrize("count", [0, 1, 3, 20_000])
def test_numbers_of_rows(parity: Parity, arrow: bool, count: int) -> None:
    class Many:
        def eval(self, x: int) -> Any:
            for i in range(count if x == 1 else int(x)):
                yield i, f"row {i} of {x}"

    parity.same_rows(query(Many, "i int, s string", arrow, LATERAL, 3))


@by_row
@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("rows", [0, 1, 250])
def test_batches_of_input(parity: Parity, arrow: bool, size: int, rows: int) -> None:
    class Sum:
        def __init__(self) -> None:
            self.sum = 0

        def eval(self, x: int) -> Any:
            self.sum += x
            return [(x, self.sum)] if x % 2 else []

        def terminate(self) -> Any:
            yield -1, self.sum

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": str(size)}):
        parity.same_rows(query(Sum, "x long, s long", arrow, LATERAL, rows))


class WithIter:
    def __iter__(self) -> Iterator[Any]:
        return iter([(1,), (2,)])


class WithItems:
    def __getitem__(self, i: int) -> Any:
        return [(1,), (2,)][i]


class StopsAtOnce:
    def __iter__(self) -> Iterator[Any]:
        raise StopIteration("at once")


@by_row
@pytest.mark.parametrize(
    "result",
    [
        None, [], (), [(1,)], ((1,), (2,)), {(1,), (2,)}, {(1,): 2}, range(3), "ab", b"ab", "",
        1, 0, 1.5, True, WithIter(), WithItems(), StopsAtOnce(), np.array([1, 2]),
        pa.table({"a": [1]}), Row(1, 2), object, {"a": 1},
    ],
    ids=lambda result: describe(result)[:20],
)  # fmt: skip
def test_what_eval_returns(parity: Parity, arrow: bool, result: Any) -> None:
    class Returns:
        def eval(self, x: int) -> Any:
            return result if x == 1 else None

    parity.same(query(Returns, "a int", arrow, LATERAL))


@by_row
def test_iterators_of_their_own(parity: Parity, arrow: bool) -> None:
    class Countdown:
        def __init__(self, n: int) -> None:
            self.n = n

        def __iter__(self) -> "Countdown":
            return self

        def __next__(self) -> Any:
            if self.n == 0:
                raise StopIteration
            self.n -= 1
            return (self.n,)

    class Iterates:
        def eval(self, x: int) -> Any:
            return [Countdown(x), iter([(1,)]), map(lambda i: (i,), range(2))][x % 3]

    parity.same_rows(query(Iterates, "a int", arrow, LATERAL))


# --- Errors ---------------------------------------------------------------------------------------


class Odd(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("can't be printed")


ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: ValueError("no"),
    lambda: StopIteration("stopped"),
    lambda: Odd(7),
    Unprintable,
    lambda: SystemExit("exit"),
    KeyboardInterrupt,
    GeneratorExit,
    lambda: SkipRestOfInputTableException("enough"),
)
# Those that differ by where they are raised.
PLACED = {"ValueError", "StopIteration", "SystemExit", "SkipRestOfInputTableException"}


@by_row
@pytest.mark.parametrize("where", ["call", "first", "later", "terminate", "late terminate"])
@pytest.mark.parametrize("error", ERRORS)
def test_errors(
    parity: Parity, arrow: bool, where: str, error: Callable[[], BaseException]
) -> None:
    if where != "call" and type(error()).__name__ not in PLACED:
        pytest.skip("it makes no difference where this is raised")

    class Fails:
        def eval(self, x: int) -> Any:
            if where == "call" and x == 3:
                raise error()
            return self.rows(x)

        def rows(self, x: int) -> Any:
            if where == "first" and x == 3:
                raise error()
            yield x, "one"
            if where == "later" and x == 3:
                raise error()
            yield x, "two"

        def terminate(self) -> Any:
            if where == "terminate":
                raise error()
            return self.last()

        def last(self) -> Any:
            yield -1, "last"
            if where == "late terminate":
                raise error()

    parity.same(query(Fails, "x long, s string", arrow, LATERAL))


@by_row
@pytest.mark.parametrize("where", ["class", "init", "two arguments", "no eval", "cleanup"])
def test_handlers_that_fail(parity: Parity, arrow: bool, where: str) -> None:
    class Fails:
        def __init__(self) -> None:
            if where == "init":
                raise ValueError("init")

        def eval(self, x: int) -> Any:
            yield (x,)

        def cleanup(self) -> None:
            if where == "cleanup":
                raise ValueError("cleanup")

    class TwoArguments:
        def __init__(self, result: Any) -> None:
            pass

        def eval(self, x: int) -> Any:
            yield (x,)

    handler = TwoArguments if where == "two arguments" else Fails
    if where == "no eval":
        handler = type("NoEval", (), {"eval": None})
    parity.same(query(handler, "x long", arrow, LATERAL))


@by_row
def test_an_error_with_a_cause(parity: Parity, arrow: bool) -> None:
    class Fails:
        def eval(self, x: int) -> Any:
            try:
                return dict[str, int]()["missing"]
            except KeyError as error:
                raise RuntimeError("outer") from error

    parity.same_error(query(Fails, "x long", arrow, LATERAL))


# --- How a task ends ------------------------------------------------------------------------------


def log_of(spark: SparkSession, path: Any) -> str:
    return path.read_text() if path.exists() else ""


@by_row
@pytest.mark.parametrize(
    "how", ["whole", "skip", "late skip", "error", "late error", "bad row", "terminate", "limit"]
)
def test_the_order_of_calls(parity: Parity, arrow: bool, how: str, tmp_path: Any) -> None:
    """Every call of the handler's methods, in the order of both engines."""

    def build(path: str) -> Query:
        class Logs:
            def __init__(self) -> None:
                self.log("init")

            def log(self, *what: Any) -> None:
                with open(path, "a") as file:
                    print(*what, file=file)

            def eval(self, x: int) -> Any:
                self.log("eval", x)
                if x == 3 and how == "skip":
                    raise SkipRestOfInputTableException
                if x == 3 and how == "error":
                    raise ValueError("error")
                return self.rows(x)

            def rows(self, x: int) -> Any:
                self.log("first", x)
                yield x, "first"
                if x == 3 and how == "late skip":
                    raise SkipRestOfInputTableException
                if x == 3 and how == "late error":
                    raise ValueError("late error")
                self.log("second", x)
                yield x, 7 if x == 3 and how == "bad row" else "second"
                self.log("end", x)

            def terminate(self) -> Any:
                self.log("terminate")
                if how == "terminate":
                    raise SkipRestOfInputTableException
                yield -1, "last"

            def cleanup(self) -> None:
                self.log("cleanup")

        return query(Logs, "x long, s string", arrow, LATERAL + (" LIMIT 3" * (how == "limit")))

    logs = [tmp_path / "stock", tmp_path / "hydrofoil"]
    turn = iter(logs)
    parity.same(lambda spark: build(str(next(turn)))(spark))
    if how == "limit":
        return  # Where the task is stopped is chance.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and logs[0].read_text() != logs[1].read_text():
        time.sleep(0.1)
    assert logs[0].read_text() == logs[1].read_text()
    assert "cleanup" in logs[0].read_text()


@by_row
def test_prints_and_state(parity: Parity, arrow: bool) -> None:
    class Prints:
        shared: ClassVar[list[Any]] = []

        def __init__(self) -> None:
            self.count = 0

        def eval(self, x: int) -> Any:
            print("eval", x)
            print("eval", x, file=sys.stderr)
            self.count += 1
            self.shared.append(x)
            yield self.count, len(self.shared)

        def terminate(self) -> Any:
            yield self.count, len(self.shared)

    parity.same_rows(query(Prints, "a int, b int", arrow, LATERAL, 50))


@by_row
@pytest.mark.parametrize("kind", ["static", "class", "attribute", "partial"])
def test_kinds_of_methods(parity: Parity, arrow: bool, kind: str) -> None:
    import functools

    def rows(x: int) -> Any:
        yield (x,)

    class Method:
        eval: Any

    class Callable_:
        def __call__(self, x: int) -> Any:
            yield (x,)

    if kind == "static":
        Method.eval = staticmethod(rows)
    elif kind == "class":
        Method.eval = classmethod(lambda cls, x: [(x,)])
    elif kind == "attribute":
        Method.eval = Callable_()
    else:
        Method.eval = functools.partial(rows)
    parity.same(query(Method, "x long", arrow, LATERAL))


# --- Table arguments ------------------------------------------------------------------------------


def table_query(
    handler: type, returns: str | None, arrow: bool, argument: str, select: str = "*"
) -> Query:
    def build(spark: SparkSession) -> DataFrame:
        registered(spark, handler, returns, arrow)
        numbers(spark, 40).selectExpr(
            "IF(id % 7 = 3, NULL, id % 4) AS k",
            "IF(id % 5 = 2, double('NaN'), id % 3 / 2D) AS d",
            "concat('s', id) AS s",
            "array(id) AS a",
            "id",
        ).createOrReplaceTempView("t")
        return spark.sql(f"SELECT {select} FROM f({argument})")

    return build


class Partitions:
    """Says what it saw of each partition, of which some are skipped in the middle."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def eval(self, row: Row, *args: Any, **kwargs: Any) -> Any:
        self.seen.append(row.s if "s" in row else str(row))
        if row.id in (6, 20):
            raise SkipRestOfInputTableException
        if row.id % 4:
            yield describe(row), describe_arguments(*args, **kwargs)

    def terminate(self) -> Any:
        yield "end", " ".join(self.seen)


TABLES = (
    "TABLE(t)",
    "TABLE(t) WITH SINGLE PARTITION",
    "TABLE(t) WITH SINGLE PARTITION ORDER BY id DESC",
    "TABLE(t) PARTITION BY k ORDER BY id",
    "TABLE(t) PARTITION BY (k, id % 2) ORDER BY id DESC",
    "TABLE(t) PARTITION BY (d) ORDER BY id",
    "TABLE(t) PARTITION BY a ORDER BY id",
    "TABLE(SELECT id, s FROM t) PARTITION BY s",
)


@by_row
@pytest.mark.parametrize("argument", TABLES)
def test_table_arguments(parity: Parity, arrow: bool, argument: str) -> None:
    named = f"row => {argument}, x => 'y'"
    with parity.under(conf=ONE_TASK):
        parity.same_rows(table_query(Partitions, "row string, rest string", arrow, argument))
        parity.same_rows(table_query(Partitions, "row string, rest string", arrow, named))


@by_row
def test_a_scalar_beside_a_table(parity: Parity, arrow: bool) -> None:
    argument = "TABLE(t) PARTITION BY (k) ORDER BY (id), 5, z => array('z')"
    parity.same_rows(table_query(Partitions, "row string, rest string", arrow, argument))


@by_row
@pytest.mark.parametrize("where", ["eval", "terminate", "init"])
def test_errors_within_partitions(parity: Parity, arrow: bool, where: str) -> None:
    class Fails:
        made = 0

        def __init__(self) -> None:
            Fails.made += 1
            if where == "init" and Fails.made > 2:
                raise ValueError("init")

        def eval(self, row: Row) -> Any:
            if where == "eval" and row.id == 30:
                raise ValueError("eval")
            yield (row.id,)

        def terminate(self) -> Any:
            if where == "terminate":
                raise ValueError("terminate")
            return None

    argument = "TABLE(t) PARTITION BY k ORDER BY id"
    parity.same(table_query(Fails, "x long", arrow, argument))


class Analyzed:
    def __init__(self, result: AnalyzeResult) -> None:
        self.names = result.schema.names
        self.sum = 0

    @staticmethod
    def analyze(row: AnalyzeArgument, n: AnalyzeArgument) -> AnalyzeResult:
        schema = StructType().add("total", LongType()).add("names", StringType())
        return AnalyzeResult(
            schema=schema.add("n", IntegerType()),
            partitionBy=[PartitioningColumn("k")],
            orderBy=[OrderingColumn("id")],
        )

    def eval(self, row: Row, n: int) -> Any:
        self.sum += row.id
        self.n = n
        if row.id % 2:
            yield self.sum, str(row), n

    def terminate(self) -> Any:
        yield self.sum, ",".join(self.names), self.n


@by_row
def test_analyze(parity: Parity, arrow: bool) -> None:
    parity.same_rows(table_query(Analyzed, None, arrow, "TABLE(t), n => 3"))


# --- Settings -------------------------------------------------------------------------------------


@by_row
@pytest.mark.parametrize(
    "conf",
    [
        {LEGACY: "true"},
        {"spark.sql.execution.arrow.useLargeVarTypes": "true"},
        {"spark.sql.execution.pyspark.binaryAsBytes": "false"},
        {"spark.sql.execution.arrow.compression.codec": "lz4"},
        {"spark.sql.session.timeZone": "Asia/Kolkata"},
        {"spark.sql.pyspark.worker.logging.enabled": "true"},
    ],
    ids=lambda conf: next(iter(conf)).rpartition(".")[2],
)
def test_settings(parity: Parity, arrow: bool, conf: dict[str, str]) -> None:
    names = ("string", "binary", "timestamp", "long", "double")
    chosen = tuple(samples.named(BASE, name) for name in names)
    with parity.under(conf=conf):
        parity.same(returned(chosen, arrow))
        parity.same(query(Describe, "seen string", arrow, LATERAL))
        parity.same(table_query(Partitions, "row string, rest string", arrow, TABLES[3]))


@by_row
def test_a_time_zone_that_changes(parity: Parity, arrow: bool) -> None:
    import datetime
    import os

    class Moves:
        def eval(self, x: int) -> Any:
            yield (datetime.datetime(2024, 1, 1),)
            os.environ["TZ"] = "Asia/Tokyo" if x % 2 else "America/Lima"
            time.tzset()
            yield (datetime.datetime(2024, 1, 1),)

    with parity.under(environment={"TZ": "UTC"}):
        parity.same_rows(query(Moves, "t timestamp", arrow, LATERAL))


def test_a_time_zone_that_changes_in_calls_without_rows(parity: Parity) -> None:
    import datetime
    import os

    class Moves:
        def eval(self, x: int) -> Any:
            os.environ["TZ"] = "Asia/Tokyo" if x % 2 else "America/Lima"
            time.tzset()
            if x == 3:
                yield (datetime.datetime(2024, 1, 1),)

    with parity.under(environment={"TZ": "UTC"}):
        parity.same_rows(query(Moves, "t timestamp", True, LATERAL))


@by_row
def test_many_partitions_and_tasks(parity: Parity, arrow: bool) -> None:
    class Double:
        def eval(self, x: int) -> Iterable[tuple[int]]:
            return [(x,)] * (x % 3)

    def build(spark: SparkSession) -> DataFrame:
        registered(spark, Double, "x long", arrow)
        spark.range(0, 100, 1, 4).createOrReplaceTempView("t")
        return spark.sql("SELECT id, f.* FROM t, LATERAL f(id) f ORDER BY id, x")

    parity.same_rows(build)


# --- Functions of record batches ------------------------------------------------------------------


def arrow_query(handler: type, returns: str | StructType, call: str, rows: int = 40) -> Query:
    def build(spark: SparkSession) -> DataFrame:
        spark.udtf.register("f", F.arrow_udtf(handler, returnType=returns))
        numbers(spark, rows).selectExpr(
            "IF(id % 7 = 3, NULL, id % 4) AS k",
            "IF(id % 5 = 2, double('NaN'), id % 3 / 2D) AS d",
            "IF(id % 3 = 0, '0.0', '-0.0')::double AS z",
            "concat('s', id % 5) AS s",
            "array(id % 2) AS a",
            "named_struct('x', id % 3, 'y', date_add(date'2020-01-01', int(id % 2))) AS r",
            "id % 2 = 0 AS b",
            "timestamp_micros(id % 3) AS t",
            "cast(id % 3 AS decimal(10, 2)) AS m",
            "cast(concat('b', id % 2) AS binary) AS x",
            "id",
        ).createOrReplaceTempView("t")
        return spark.sql(f"SELECT * FROM f({call})")

    return build


class Seen:
    """One row for each call: what it was given."""

    def __init__(self) -> None:
        self.calls = 0

    def eval(self, batch: pa.RecordBatch, *args: Any) -> Any:
        self.calls += 1
        ids = [row["id"] for row in batch.to_pylist()]
        text = f"{type(batch).__name__} {batch.schema} {ids} {args}"
        if 6 in ids:
            raise SkipRestOfInputTableException
        yield pa.table({"seen": [text], "calls": pa.array([self.calls], pa.int32())})

    def terminate(self) -> Any:
        yield pa.table({"seen": ["end"], "calls": pa.array([self.calls], pa.int32())})


KEYS = ("k", "d", "z", "s", "a", "r", "b", "t", "m", "x", "id", "k, s", "id % 3, b", "d, k")


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("size", [3, 10_000])
def test_partitions_of_batches(parity: Parity, keys: str, size: int) -> None:
    conf = {**ONE_TASK, "spark.sql.execution.arrow.maxRecordsPerBatch": str(size)}
    with parity.under(conf=conf):
        parity.same_rows(
            arrow_query(
                Seen, "seen string, calls int", f"TABLE(t) PARTITION BY ({keys}) ORDER BY id"
            )
        )


@pytest.mark.parametrize(
    "call",
    [
        "TABLE(t)",
        "TABLE(t), 5",
        "TABLE(t) WITH SINGLE PARTITION ORDER BY id DESC",
        "TABLE(SELECT * FROM t WHERE id < 1) PARTITION BY k",
    ],
)
def test_tables_as_batches(parity: Parity, call: str) -> None:
    with parity.under(conf=ONE_TASK):
        parity.same_rows(arrow_query(Seen, "seen string, calls int", call))


@pytest.mark.parametrize(
    "result",
    [
        [],
        None,
        [pa.table({"a": [1]})],
        [pa.record_batch({"a": pa.array([1], pa.int32())})],
        [pa.table({"b": [1]})],
        [pa.table({"a": [1], "b": [2]})],
        [pa.table({"a": ["x"]})],
        [pa.table({"a": pa.array([2**40])})],
        [1],
        [(1,)],
        1,
        pa.table({"a": [1]}),
    ],
    ids=range(12),
)
def test_results_as_batches(parity: Parity, result: Any) -> None:
    class Returns:
        def eval(self, x: Any) -> Any:
            return result

    def build(spark: SparkSession) -> DataFrame:
        f = F.arrow_udtf(Returns, returnType="a int")
        spark.udtf.register("f", f)
        return spark.sql("SELECT * FROM f(1)")

    parity.same(build)

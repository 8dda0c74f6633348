"""A user's own functions on a sample of their own data, under stock and under Hydrofoil.

Functions of a module are what stands at its top: whatever ``udf``, ``pandas_udf``, ``arrow_udf``,
``udtf`` and ``arrow_udtf`` made. A plain function for ``mapInPandas`` and the like is named in the
module's ``PARITY``::

    PARITY = {"clean": {"as": "applyInPandas", "schema": "id bigint, x double", "by": ["id"]}}
"""

import inspect
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.udtf import UserDefinedTableFunction

from hydrofoil.counts import task_trace
from hydrofoil.errors import UsageError
from hydrofoil.evals import eval_types
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    Engine,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.harness import Outcome, Raised, difference, outcome_of

EQUAL, RAISES, DIFFERENT = "equal", "stock raises too", "different"
UNSTABLE, NOT_BOUND = "differs from run to run", "not bound"

_SUFFIXES = (".parquet", ".csv", ".json")
_MAPS, _GROUPS = ("mapInPandas", "mapInArrow"), ("applyInPandas", "applyInArrow")


@dataclass(frozen=True)
class Verdict:
    """What became of one function.

    Attributes
    ----------
    name : str
        In its module.
    kind : str
        The eval type in words, or the method that the function is for.
    status : str
        `EQUAL`, `RAISES` (the same error), `DIFFERENT`, `UNSTABLE` (stock disagrees with itself)
        or `NOT_BOUND`.
    arguments : list of str
        The columns that it was given.
    difference : str or None
        Which rows differ, and how; numbers count the sample's rows from 0.
    path : str
        "fast", "stock", or "" if it did not run.
    reason : str
        Why not all of it is fast, or which parameter has no column.
    """

    name: str
    kind: str
    status: str
    arguments: list[str]
    difference: str | None = None
    path: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Function:
    """A function of the module, and the query that it is compared in."""

    name: str
    kind: str
    arguments: list[str]
    query: Callable[[DataFrame], DataFrame]


def read_sample(spark: SparkSession, file: Path) -> DataFrame:
    """The rows of a Parquet, CSV (with a header) or JSON file, in one partition, read once.

    Raises
    ------
    UsageError
        If there is no such file, or it is of a different kind.
    """
    if not file.exists():
        raise UsageError(f"there is no {file}")
    if file.suffix not in _SUFFIXES:
        raise UsageError(f"{file} is no sample", f"name a file that ends in {', '.join(_SUFFIXES)}")
    reader = spark.read.format(file.suffix[1:])
    if file.suffix == ".csv":
        reader = reader.option("header", True).option("inferSchema", True)
    return reader.load(str(file)).coalesce(1).localCheckpoint()


def load(file: Path) -> ModuleType:
    """Import a module by its file; its functions go to workers by value, as a script's do.

    Raises
    ------
    UsageError
        If it can't be imported.
    """
    sys.path.insert(0, str(file.parent.resolve()))
    spec = spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.exists():
        raise UsageError(f"{file} is no module of Python")
    module = module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"importing {file} raises {type(error).__name__}: {error}") from error
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    return module


def compare(
    sample: DataFrame,
    module: ModuleType,
    binds: Mapping[str, Sequence[str]],
    folder: Path,
    right: Engine = HYDROFOIL,
) -> Iterator[Verdict]:
    """Compare each function of a module on a sample.

    Parameters
    ----------
    sample : DataFrame
        As `read_sample` gives it.
    module : module
    binds : mapping
        Columns for the arguments of a function, by its name; others are found by their parameters'
        names.
    folder : Path
        An empty one, where workers note which paths they take.
    right : Engine
        What stock is compared with.

    Raises
    ------
    UsageError
        If the module has no function to compare, or ``PARITY`` or ``binds`` names none of its.
    """
    found = list(functions(sample, module, binds))
    if not found:
        raise UsageError(
            f"{module.__name__} has no function of Spark's at its top",
            "make one with udf, pandas_udf, arrow_udf or udtf, or name a plain one in PARITY",
        )
    spark = sample.sparkSession
    for function in found:
        if isinstance(function, Verdict):
            yield function
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield _compare(spark, sample, function, folder, right)


def _compare(
    spark: SparkSession, sample: DataFrame, function: Function, folder: Path, right: Engine
) -> Verdict:
    def run(engine: Engine, variables: Mapping[str, str]) -> Outcome:
        with use_environment(spark, variables), use_engine(spark, engine):
            return outcome_of(spark, lambda _: function.query(sample))

    expected = run(WARM_STOCK, {})
    actual = run(right, {task_trace.VARIABLE: str(folder)})
    made = partial(Verdict, function.name, function.kind, arguments=function.arguments)
    path, reason = _path(folder)
    found = difference(expected, actual)
    if found is None:
        status = RAISES if isinstance(expected, Raised) else EQUAL
        return made(status=status, path=path, reason=reason)
    again = difference(expected, run(WARM_STOCK, {}))
    status = DIFFERENT if again is None else UNSTABLE
    return made(status=status, difference=again or found, path=path, reason=reason)


def _path(folder: Path) -> tuple[str, str]:
    """What the workers have noted since this was last asked."""
    paths: set[str] = set()
    reasons: set[str] = set()
    for file in folder.glob("*.jsonl"):
        for record in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            paths |= {udf["path"] for udf in record["udfs"]}
            reasons |= {udf["reason"] for udf in record["udfs"]}
            reasons |= {outcome for outcome in record["batches"] if outcome != task_trace.FAST}
        file.unlink()
    return ", ".join(sorted(paths)), "; ".join(sorted(reasons - {""}))


# --- What there is to compare ---------------------------------------------------------------------


def functions(
    sample: DataFrame, module: ModuleType, binds: Mapping[str, Sequence[str]]
) -> Iterator[Function | Verdict]:
    """A module's functions; a verdict for each that lacks arguments."""
    plain = getattr(module, "PARITY", {})
    for name in (*binds, *plain):
        if not hasattr(module, name):
            raise UsageError(f"{module.__name__} has no {name}")
    for name, value in vars(module).items():
        if name in plain:
            yield _plain(name, value, plain[name])
        elif isinstance(value, UserDefinedTableFunction):
            yield _bound(sample, name, "udtf", value, value.func.eval, binds, skip=1)
        elif callable(value) and hasattr(value, "evalType") and hasattr(value, "func"):
            yield _bound(sample, name, _words(value.evalType), value, value.func, binds)


def _words(eval_type: int) -> str:
    """An eval type's name in PySpark, without what all of them have in common."""
    name = eval_types.describe(eval_type).replace("BATCHED_UDF", "PLAIN_UDF")
    return name.removeprefix("SQL_").removesuffix("_UDF").replace("_", " ").lower()


def _bound(
    sample: DataFrame,
    name: str,
    kind: str,
    value: Any,
    called: Callable[..., Any],
    binds: Mapping[str, Sequence[str]],
    skip: int = 0,
) -> Function | Verdict:
    given = binds.get(name)
    if given is None:
        given, lacking = _by_name(called, sample.columns, skip)
        if lacking:
            reason = f"no column is called {lacking!r}; name columns: --bind {name}=COLUMN,..."
            return Verdict(name, kind, NOT_BOUND, [], reason=reason)
    unknown = [column for column in given if column not in sample.columns]
    if unknown:
        raise UsageError(f"--bind {name}: the sample has no column {unknown[0]!r}")
    query = {"udtf": _lateral}.get(kind, _aggregate if "agg" in kind else _select)
    return Function(name, kind, list(given), partial(query, value, list(given)))


def _by_name(
    called: Callable[..., Any], columns: Sequence[str], skip: int
) -> tuple[list[str], str | None]:
    """The column of each parameter, and the first parameter that has none."""
    parameters = list(inspect.signature(called).parameters.values())[skip:]
    same_case = {column.lower(): column for column in reversed(columns)}
    found: list[str] = []
    for parameter in parameters:
        column = same_case.get(parameter.name.lower())
        if column is not None and parameter.kind in _POSITIONAL:
            found.append(column)
        elif parameter.default is inspect.Parameter.empty and parameter.kind in _NEEDED:
            return [], parameter.name
        else:
            break
    return found, None


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NEEDED = (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL)


def _quoted(column: str) -> str:
    """A column's name for Spark, to which a dot or a backtick in it would mean something."""
    return "`{}`".format(column.replace("`", "``"))


def _fresh(value: Any) -> Any:
    """The same function of Spark's, whose half in the JVM is not made yet.

    That half keeps the environment of the workers that it was first made for.
    """
    made = copy(getattr(value, "_unwrapped", value))
    for name in ("_judf_placeholder", "_judtf_placeholder"):
        if hasattr(made, name):
            setattr(made, name, None)
    return made


def _select(value: Any, arguments: list[str], sample: DataFrame) -> DataFrame:
    return sample.select(_fresh(value)(*map(_quoted, arguments)).alias("result"))


def _aggregate(value: Any, arguments: list[str], sample: DataFrame) -> DataFrame:
    """All rows are one group."""
    return sample.agg(_fresh(value)(*map(_quoted, arguments)).alias("result"))


def _lateral(value: Any, arguments: list[str], sample: DataFrame) -> DataFrame:
    spark = sample.sparkSession
    spark.udtf.register("parity_mine", _fresh(value))
    sample.createOrReplaceTempView("parity_sample")
    given = ", ".join(f"r.{_quoted(name)}" for name in arguments)
    return spark.sql(f"SELECT f.* FROM parity_sample r, LATERAL parity_mine({given}) f")


def _plain(name: str, function: Callable[..., Any], entry: Mapping[str, Any]) -> Function:
    method, schema, by = entry.get("as"), entry.get("schema"), list(entry.get("by", ()))
    known = (*_MAPS, *_GROUPS)
    if method not in known or schema is None or (method in _GROUPS) != bool(by):
        raise UsageError(
            f"PARITY[{name!r}] is {dict(entry)!r}",
            f"it needs 'as' ({', '.join(known)}), 'schema', and for groups 'by': their columns",
        )

    def query(sample: DataFrame) -> DataFrame:
        frame: Any = sample.groupBy(*by) if by else sample
        made: DataFrame = getattr(frame, method)(function, schema)
        return made

    return Function(name, method, by, query)

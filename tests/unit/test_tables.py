"""The tables mention all that the installed PySpark has; a failure names the file to edit."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import types as spark_types
from pyspark.util import PythonEvalType

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark import signatures
from hydrofoil.spark.versions import PAGE, VERSIONS, installed_version, with_table
from hydrofoil.values.type_table import TYPES

# Bases of other types, and what is no type of a column.
NOT_COLUMNS = {
    "DataType",
    "AtomicType",
    "NumericType",
    "IntegralType",
    "FractionalType",
    "AnsiIntervalType",
    "AnyTimeType",
    "DatetimeType",
    "SpatialType",
    "UserDefinedType",
    "StructField",
}


def test_every_eval_type_has_its_row():
    installed = {
        value: name
        for name, value in vars(PythonEvalType).items()
        if isinstance(value, int) and not name.startswith("_")
    }
    missing = {name for code, name in installed.items() if code not in EVAL_TYPES}
    assert not missing, f"add rows for {missing} to src/hydrofoil/evals/eval_types.py"
    wrong = {
        code: EVAL_TYPES[code].name
        for code in installed
        if EVAL_TYPES[code].name != installed[code]
    }
    assert not wrong, f"correct the names {wrong} in src/hydrofoil/evals/eval_types.py"


def test_eval_types_are_written_down_once():
    """Where functions are run nobody has a code as a number; 0 and 100 are other things, too."""
    codes = set(EVAL_TYPES) - {0, 100}
    found = [
        f"{path.name}:{node.lineno}: {node.value}"
        for room in ("decorators", "evals", "spark", "values")
        for path in (Path(__file__).parents[2] / "src/hydrofoil" / room).rglob("*.py")
        if path.name != "eval_types.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in codes
    ]
    assert not found, "name the code by EvalType"


def test_every_spark_type_has_its_row():
    installed = {
        name
        for name, cls in inspect.getmembers(spark_types, inspect.isclass)
        if issubclass(cls, spark_types.DataType)
        and cls.__module__ == spark_types.__name__
        and name not in NOT_COLUMNS
    }
    missing = installed - set(TYPES)
    assert not missing, f"add rows for {missing} to TYPES in src/hydrofoil/values/type_table.py"


def test_every_version_has_its_functions():
    assert {version.published for version in VERSIONS.values()} == set(signatures.TABLE)


def test_a_function_that_is_compiled_is_not_as_published():
    # A vendor's: of some Python can't tell the parameters.
    daemon = ModuleType("daemon")
    daemon.manager, daemon.worker = lambda: None, max  # type: ignore[attr-defined]
    with pytest.raises(signatures.UnknownPySpark, match=r"its pyspark\.daemon\.worker is"):
        signatures.check_daemon("4.3", daemon)


def test_the_installed_spark_is_known():
    assert installed_version() is not None


def test_the_page_of_versions_is_made_of_the_records():
    page = (Path(__file__).parents[2] / PAGE).read_text("utf-8")
    assert page == with_table(page), "run python -m hydrofoil.spark.versions"

"""The rules inside of `hydrofoil.spark`: who imports PySpark's private parts, and whom else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import hydrofoil.spark
from hydrofoil.spark.versions import SparkVersion

ROOM = Path(hydrofoil.spark.__file__).parent
# What PySpark documents, and its version.
PUBLIC = {
    "pyspark",
    "pyspark.errors",
    "pyspark.sql",
    "pyspark.sql.functions",
    "pyspark.sql.types",
}


def modules(folder: str = "") -> Iterator[tuple[Path, ast.Module]]:
    for path in (ROOM / folder).rglob("*.py"):
        yield path.relative_to(ROOM), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each module that is imported, and the name that is taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_private_parts_of_pyspark_are_imported_in_stock_alone() -> None:
    for path, tree in modules():
        if path.parts[0] != "stock":
            private = {name for name, _ in imported(tree) if name.startswith("pyspark")} - PUBLIC
            assert not private, f"{path} imports {private}: have hydrofoil.spark.stock do it"


def test_families_name_no_version() -> None:
    for path, tree in modules("families"):
        for module, name in imported(tree):
            if module == "hydrofoil.spark.versions":
                assert name == SparkVersion.__name__, (
                    f"{path} imports {name}: ask the task's record"
                )
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.fullmatch(r"[34]\.\d+(\.\d+)?", node.value), f"{path}: {node.value}"


def test_a_family_imports_no_other() -> None:
    for path, tree in modules("families"):
        own = path.with_suffix("").parts[1]
        for module, name in imported(tree):
            if module.startswith("hydrofoil.spark.families"):
                other = f"{module}.{name}".split(".")[3]
                assert other == own, f"{path} imports {other}"

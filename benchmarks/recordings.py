"""The recordings of the cases, made once on a real local Spark and kept in ``.cache``."""

import hashlib
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES
from hydrofoil.recordings.recording import MAGIC, SUFFIX, Recording
from hydrofoil.tools.replay.recorder import record

_ROOT = Path(__file__).parent.parent / ".cache" / "recordings"
_TABLES = ("case", "cases_rows", "cases_vectorized", "cases_grouped", "cases_text")


def recordings(names: Iterable[str] = CASES, rows: int | None = None) -> dict[str, Recording]:
    """The recordings of the named cases, of ``rows`` rows each or as many as the case asks for.

    Spark is started only if one is missing.
    """
    folder = _folder()
    sizes = {name: rows or CASES[name].rows for name in names}
    wanted = {name: folder / f"{name}-{size}{SUFFIX}" for name, size in sizes.items()}
    missing = {name: path for name, path in wanted.items() if not path.exists()}
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _record(missing, sizes)
    return {name: Recording.load(path) for name, path in wanted.items()}


def _folder() -> Path:
    """Keyed by everything that changes a recording, the tables of cases included."""
    tables = b"".join((Path(__file__).parent / f"{name}.py").read_bytes() for name in _TABLES)
    key = hashlib.sha256(MAGIC + tables).hexdigest()[:12]
    python = ".".join(map(str, sys.version_info[:2]))
    return _ROOT / f"spark{version('pyspark')}-py{python}-{key}"


def _record(missing: dict[str, Path], sizes: dict[str, int]) -> None:
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Recordings hold their functions, as those of a notebook do, and play where no case is found.
    for table in _TABLES:
        cloudpickle.register_pickle_by_value(import_module(f"benchmarks.{table}"))
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("hydrofoil benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    for name, path in missing.items():
        query = CASES[name].query(CASES[name].data(spark, sizes[name]))
        made = record(spark, lambda q=query: q.write.format("noop").mode("overwrite").save())
        if len(made) != 1:
            raise RuntimeError(f"case {name!r} ran {len(made)} Python tasks instead of one")
        made[0].save(path)
    spark.stop()

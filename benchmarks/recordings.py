"""The recordings of the cases, made once on a real local Spark and kept in ``.cache``."""

import hashlib
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES
from hydrofoil.replay.recorder import record
from hydrofoil.replay.recording import MAGIC, SUFFIX, Recording

_ROOT = Path(__file__).parent.parent / ".cache" / "recordings"
ROWS = 400_000


def recordings(names: Iterable[str] = CASES, rows: int = ROWS) -> dict[str, Recording]:
    """The recordings of the named cases; Spark is started only if one is missing."""
    folder = _folder(rows)
    wanted = {name: folder / f"{name}{SUFFIX}" for name in names}
    missing = [name for name, path in wanted.items() if not path.exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _record(missing, rows, folder)
    return {name: Recording.load(path) for name, path in wanted.items()}


def _folder(rows: int) -> Path:
    """Keyed by everything that changes a recording, the table of cases included."""
    table = (Path(__file__).parent / "cases.py").read_bytes()
    key = hashlib.sha256(MAGIC + table).hexdigest()[:12]
    python = ".".join(map(str, sys.version_info[:2]))
    return _ROOT / f"spark{version('pyspark')}-py{python}-{rows}-{key}"


def _record(names: list[str], rows: int, folder: Path) -> None:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("hydrofoil benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    for name in names:
        query = CASES[name].apply(CASES[name].make_data(spark, rows))
        made = record(spark, lambda q=query: q.write.format("noop").mode("overwrite").save())
        if len(made) != 1:
            raise RuntimeError(f"case {name!r} ran {len(made)} Python tasks instead of one")
        made[0].save(folder / f"{name}{SUFFIX}")
    spark.stop()

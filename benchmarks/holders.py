"""A model that eight workers share, beside PySpark's ``predict_batch_udf``: memory and loads.

``python -m benchmarks.holders`` runs three queries with 90 idle seconds between them, in which
Spark ends idle workers, for a model of 500 MB of which each batch reads every page. Memory is the
sum of the proportional shares (``Pss`` of ``/proc/*/smaps_rollup``) of workers, daemon, holder,
slots and keeper, at its highest of some looks during the queries. ``--idle 5`` and
``--megabytes 50`` are for trying it out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WORKERS = 8
QUERIES = 3
ROWS = 64
SHARED, STOCK = "share='host'", "predict_batch_udf"


def loader(megabytes: int, log: str) -> Callable[[], Any]:
    """A function that makes the model, and notes that it did."""

    def load() -> Any:
        with open(log, "a") as file:
            print(os.getpid(), file=file)
        return np.random.default_rng(0).integers(0, 255, megabytes << 20, dtype=np.uint8)

    return load


def touch(model: Any, x: Any) -> Any:
    """Read every page of the model, and be at it for as long as eight tasks need to meet."""
    total = 0.0
    for _ in range(3):
        total += float(model[::512].sum(dtype=np.int64))
        time.sleep(0.3)
    return np.full(len(x), total)


def run(engine: str, megabytes: int, idle_s: float) -> dict[str, Any]:
    """Run the queries in this process; return what was seen."""
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import DoubleType

    import hydrofoil

    conf = {"spark.ui.enabled": "false", "spark.driver.memory": "1g"}
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "loads")
        load = loader(megabytes, log)
        if engine == SHARED:
            spark = hydrofoil.session(f"local[{WORKERS}]", conf=conf)
            shared = hydrofoil.batch_udf(
                load=load, return_type="double", batch_size=ROWS, share="host"
            )
            predict = shared(touch)
        else:
            spark = _stock_session(conf)

            def make() -> Any:
                model = load()
                return lambda x: touch(model, x)

            predict = predict_batch_udf(make, return_type=DoubleType(), batch_size=ROWS)
        frame = spark.range(0, WORKERS * ROWS, 1, WORKERS)
        seconds: list[float] = []
        copies: list[dict[str, float]] = []
        for query in range(QUERIES):
            if query:
                time.sleep(idle_s)
            watch = Watch()
            start = time.perf_counter()
            frame.select(predict("id")).collect()
            seconds.append(round(time.perf_counter() - start, 2))
            seen = {name: size / (megabytes << 20) for name, size in watch.end().items()}
            seen["all"] = sum(seen.values())
            copies.append({name: round(size, 2) for name, size in seen.items()})
        loads = len(Path(log).read_text().split())
        spark.stop()
    return {"engine": engine, "loads": loads, "copies": copies, "seconds": seconds}


def _stock_session(conf: dict[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{WORKERS}]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


class Watch:
    """Looks at the memory of all Python processes that this one has started."""

    def __init__(self) -> None:
        self._most = {"workers": 0, "holders": 0}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            seen = {name: sum(map(_pss, processes)) for name, processes in _processes().items()}
            self._most = max(self._most, seen, key=lambda each: sum(each.values()))

    def end(self) -> dict[str, int]:
        """Bytes at the moment of the most that was seen."""
        self._ended.set()
        self._thread.join()
        return self._most


def _processes() -> dict[str, list[int]]:
    """Workers with their daemon, and keepers with holders and slots."""
    mine = os.getpid()
    found: dict[str, list[int]] = {"workers": [], "holders": []}
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_ours = f"{MARK}={mine}".encode() in path.read_bytes().split(b"\0")
            words = (path.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        # The JVM's command names them, too.
        is_python = os.path.basename(words[0]).startswith(b"python")
        if is_ours and is_python and {b"-m"} < set(words) and int(path.parent.name) != mine:
            kind = "holders" if b"hydrofoil.holders" in words else "workers"
            found[kind].append(int(path.parent.name))
    return found


# A variable that all processes inherit which this one starts.
MARK = "HYDROFOIL_BENCHMARK_OF"


def _pss(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in text.splitlines() if line[:4] == "Pss:")


def main() -> None:
    """Run each engine in a process of its own, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--idle", type=float, default=90.0)
    parser.add_argument("--engine", choices=[SHARED, STOCK])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.engine:
        os.environ[MARK] = str(os.getpid())
        print(json.dumps(run(chosen.engine, chosen.megabytes, chosen.idle)))
        return
    for engine in (SHARED, STOCK):
        options = ["--megabytes", str(chosen.megabytes), "--idle", str(chosen.idle)]
        command = [sys.executable, "-m", "benchmarks.holders", "--engine", engine, *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if chosen.json:
            print(json.dumps(found))
        else:
            print(f"{engine}: loaded {found['loads']} times; {found['seconds']} s a query")
            for query, copies in enumerate(found["copies"]):
                print(f"    query {query + 1}: copies of the model in memory: {copies}")


if __name__ == "__main__":
    main()

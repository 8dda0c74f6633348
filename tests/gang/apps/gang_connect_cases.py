"""Gangs of a Spark Connect client: each case tells what came of it, as JSON.

Arguments: the server's address, a folder that its executors reach, and the cases' names.
"""

import _thread
import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import psutil
from gang_leftovers import nothing_left
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.errors import HydrofoilError
from hydrofoil.gang.errors import GangError

# After the others a next gang has to run.
WELL = (
    *("runs", "slots", "slots_that_are_hidden", "parts", "elastic", "two_sessions", "export"),
    "estimators",
)
HIDES_SLOTS = "spark.sql.leafNodeDefaultParallelism"


def error_of(train: Any, df: Any = None, **more: Any) -> dict[str, Any]:
    """What a gang that fails says."""
    started = time.monotonic()
    try:
        gang.run(train, df, **{"num_tasks": 2, **more})
    except GangError as error:
        cause = error.__cause__
        return {
            "kind": type(error).__name__,
            "text": str(error),
            "rank": error.rank,
            "host": error.host,
            "attempt": error.attempt,
            "cause": repr(cause),
            "traceback": error.remote_traceback,
            "stacks": {str(rank): stack for rank, stack in error.stacks.items()},
            "others": [[other.rank, other.what] for other in error.others],
            "missing": list(getattr(error, "missing", [])),
            "took": time.monotonic() - started,
        }
    return {"kind": "no error"}


def error_text(df: Any, **more: Any) -> str:
    try:
        return str(list(gang.run(count_rows, df, 2, **more)))
    except HydrofoilError as error:
        return str(error)


def here(ctx: Any, folder: str) -> None:
    Path(folder, f"rank-{ctx.rank}-{os.getpid()}").touch()
    ctx.barrier()


def executor() -> int:
    """The JVM of this rank's executor."""
    java = [process for process in psutil.Process().parents() if process.name() == "java"]
    return java[0].pid


def count_rows(ctx: Any) -> int:
    return sum(batch.num_rows for batch in ctx.data.arrow())


class Cases:
    def __init__(self, spark: SparkSession, url: str, folder: Path) -> None:
        self.spark = spark
        self.url = url
        self.folder = folder

    # --- What gangs do ----------------------------------------------------------------------------

    def runs(self) -> Any:
        def train(ctx: Any, scale: float) -> Any:
            total = 0.0
            for batch in ctx.data.numpy(batch_size=100, steps="uneven"):
                total += float(batch["id"].sum()) * scale
            ctx.report(step=1, total=1, rank=ctx.rank)
            ctx.log("said at the end")
            return ctx.rank, ctx.world_size, sum(ctx.all_gather(total))

        updates: list[Any] = []
        df = self.spark.range(1000)
        result = gang.run(train, df, args={"scale": 0.5}, on_progress=updates.append)
        return {
            "values": list(result),
            "metrics": result.metrics,
            "updates": sorted((update.kind, update.rank, update.text) for update in updates),
        }

    def slots(self) -> Any:
        fails = error_of(lambda ctx: None, self.spark.range(10).repartition(99), num_tasks=99)
        plan = gang.plan(self.spark.range(10), 99)
        return {"total": gang.preflight(self.spark).total, "error": fails, "plan": list(plan)}

    def slots_that_are_hidden(self) -> Any:
        self.spark.conf.set(HIDES_SLOTS, "7")
        try:
            fixed = list(gang.run(lambda ctx: ctx.rank, num_tasks=2))
            try:
                gang.run(lambda ctx: ctx.rank, num_tasks="max")
            except Exception as error:
                return {"fixed": fixed, "max": f"{type(error).__name__}: {error}"}
            return {"fixed": fixed}
        finally:
            self.spark.conf.unset(HIDES_SLOTS)

    def parts(self) -> Any:
        df = self.spark.range(0, 101, 1, 3)
        none = self.spark.range(10).where("id > 10")
        return {
            "exact": list(gang.run(count_rows, df, 2, balance="exact")),
            "none": list(gang.run(count_rows, df.repartition(2), 2, balance="none")),
            "keys": list(
                gang.run(
                    count_rows, df.selectExpr("id < 1 k"), 2, balance="key:k", allow_empty=True
                )
            ),
            "other number": error_text(df, balance="none"),
            "empty": error_of(count_rows, none)["kind"],
            "empty, exact": error_of(count_rows, none, balance="exact")["kind"],
            "allowed": list(gang.run(count_rows, none, 2, allow_empty=True)),
            "allowed, kept": list(gang.run(count_rows, none, 2, allow_empty=True, max_restarts=1)),
            "kept": list(gang.run(count_rows, df, 2, balance="exact", max_restarts=1)),
        }

    def elastic(self) -> Any:
        place = str(self.folder)

        def train(ctx: Any) -> Any:
            rows = count_rows(ctx)
            if ctx.attempt == 0:
                os._exit(1)
            return ctx.world_size, rows

        @F.udf("long")
        def computed(x: int) -> int:
            Path(place, f"computed-{x}-{time.monotonic()}").touch()
            return x

        df = self.spark.range(100).select(computed("id"))
        result = gang.run(train, df, elastic=(1, 2), max_restarts=1, backoff=0.1)
        return {
            "values": list(result),
            "errors": [type(error).__name__ for error in result.attempts],
            "computed": len(list(self.folder.glob("computed-*"))),
        }

    def two_sessions(self) -> Any:
        """At once, a rank each; the session is the DataFrame's."""
        other = SparkSession.builder.remote(self.url).create()
        other.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        found: dict[str, Any] = {}

        def run(name: str, session: Any) -> None:
            df = session.sql("SELECT current_timezone() tz, id FROM range(5)")
            found[name] = list(gang.run(zones, df, 1))

        def zones(ctx: Any) -> Any:
            time.sleep(1.0)
            return [zone for batch in ctx.data.arrow() for zone in batch["tz"].to_pylist()]

        threads = [
            threading.Thread(target=run, args=each)
            for each in (("one", self.spark), ("other", other))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.stop()
        return found

    def export(self) -> Any:
        path = str(self.folder / "exported")
        exported = gang.export(self.spark.range(0, 100, 1, 3), path)
        result = gang.run(count_rows, source=gang.arrow(path), num_tasks=2)
        return {"rows": gang.open(path).num_rows, "same": exported.num_rows, "ranks": list(result)}

    def estimators(self) -> Any:
        from hydrofoil.ml.xgboost import SparkXGBRegressor, SparkXGBRegressorModel

        df = self.spark.range(200).selectExpr("id", "array(id, id % 7) features", "id * 2 label")
        regressor = SparkXGBRegressor(n_estimators=30, num_workers=2)
        model = regressor.fit(df)
        self.spark.conf.set(HIDES_SLOTS, "7")
        try:
            deeper = regressor.fit(df, {regressor.max_depth: 9})
        finally:
            self.spark.conf.unset(HIDES_SLOTS)
        path = str(self.folder / "model")
        for one in (deeper, model):
            one.write().overwrite().save(path)
        read = SparkXGBRegressorModel.load(path)
        errors = [
            one.transform(df).select(F.avg(F.abs(F.expr("prediction - label")))).first()[0]
            for one in (model, read, deeper)
        ]
        return {"errors": errors, "depth": read.getOrDefault("max_depth")}

    # --- On a cluster of two executors with two cores each ----------------------------------------

    def slots_of_a_cluster(self) -> Any:
        gang.preflight(self.spark, 4, wait=60.0)
        two = gang.Resources(cpus=2)
        ranks = gang.run(lambda ctx: (ctx.rank, executor()), resources=two)
        return {
            "total": gang.preflight(self.spark).total,
            "of two": gang.preflight(self.spark, resources=two).total,
            "error": error_of(lambda ctx: None, num_tasks=5),
            "error of two": error_of(lambda ctx: None, num_tasks=3, resources=two),
            "ranks": [rank for rank, _ in ranks],
            "executors": len({pid for _, pid in ranks}),
        }

    def executor_killed(self) -> Any:
        """The gang goes on with as many ranks from the last checkpoint, on a new executor."""

        def train(ctx: Any, folder: str) -> Any:
            step = began = ctx.checkpoint.restore(default=0)
            rows = count_rows(ctx)
            while step < 6:
                step += sum(ctx.all_gather(1)) // ctx.world_size
                ctx.checkpoint.save(step, step=step)
                if (ctx.attempt, ctx.rank, step) == (0, ctx.world_size - 1, 4):
                    os.kill(executor(), signal.SIGKILL)
                    time.sleep(600)
            return [began, step, ctx.world_size, rows]

        result = gang.run(
            train,
            self.spark.range(1000),
            4,
            args=[str(self.folder)],
            checkpoint=str(self.folder / "checkpoints"),
            max_restarts=2,
            backoff=1.0,
            start_timeout=90.0,
        )
        errors = [[type(error).__name__, error.rank] for error in result.attempts]
        return {"values": list(result), "errors": errors}

    def executor_killed_once(self) -> Any:
        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            if ctx.rank == 1:
                os.kill(executor(), signal.SIGKILL)
            time.sleep(600)

        return error_of(train, args=[str(self.folder)], resources=gang.Resources(cpus=2))

    # --- How they fail ----------------------------------------------------------------------------

    def raises(self) -> Any:
        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            if ctx.rank == 1:
                raise ValueError("boom")
            time.sleep(600)

        return error_of(train, args=[str(self.folder)])

    def killed(self) -> Any:
        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            if ctx.rank == 1:
                threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
            ctx.barrier() if ctx.rank else time.sleep(600)

        return error_of(train, args=[str(self.folder)])

    def missing(self) -> Any:
        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            if ctx.rank == 1:
                time.sleep(600)
            ctx.barrier()

        return error_of(train, args=[str(self.folder)], timeout=2.0)

    def silent(self) -> Any:
        """Native code keeps Python's lock."""

        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            if ctx.rank == 0:
                ctypes.PyDLL(None).sleep(600)
            while not ctx.stopping:
                time.sleep(0.1)

        return error_of(train, args=[str(self.folder)], timeout=1.0)

    def busy(self) -> Any:
        def hold(_: Any) -> Any:
            time.sleep(60)
            yield from ()

        def occupy() -> None:
            self.spark.addTag("busy")
            try:
                self.spark.range(0, 1, 1, 1).mapInArrow(hold, "id long").collect()
            except Exception:
                return

        thread = threading.Thread(target=occupy)
        thread.start()
        time.sleep(1.0)
        try:
            return error_of(lambda ctx: None, start_timeout=2.0)
        finally:
            self.spark.interruptTag("busy")
            thread.join()

    def interrupted(self) -> Any:
        """Ctrl-C."""

        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            ctx.log("running")
            while not ctx.stopping:
                time.sleep(0.05)
            Path(folder, "stopped politely").touch()
            time.sleep(600)

        def interrupt(update: Any) -> None:
            if update.kind == "log" and update.rank == 0:
                threading.Timer(0.5, _thread.interrupt_main).start()

        try:
            gang.run(train, num_tasks=2, args=[str(self.folder)], on_progress=interrupt)
        except KeyboardInterrupt:
            return (self.folder / "stopped politely").exists()
        return "no error"

    def cancelled(self) -> Any:
        def train(ctx: Any, folder: str) -> None:
            here(ctx, folder)
            ctx.log("running")
            time.sleep(600)

        def cancel(update: Any) -> None:
            if update.kind == "log" and update.rank == 0:
                self.spark.interruptAll()

        return error_of(train, args=[str(self.folder)], on_progress=cancel)

    def upstream(self) -> Any:
        df = self.spark.range(10).select(F.expr("assert_true(id < 5, 'too large')"), "id")
        return error_of(count_rows, df)

    def unpicklable(self) -> Any:
        return error_of(lambda ctx: threading.Lock() if ctx.rank else None)

    def hub_killed(self) -> Any:
        """The hub's process, which gangs can't do without."""

        def train(ctx: Any, folder: str) -> int:
            here(ctx, folder)
            if ctx.attempt == 0:
                ctx.log(str(ctx._client._link.socket.getpeername()[1]))
                time.sleep(600)
            return ctx.attempt

        def kill(update: Any) -> None:
            if update.kind == "log" and update.rank == 0:
                for process in psutil.process_iter(["cmdline"]):
                    if "hydrofoil.gang.connect.host" in (process.info["cmdline"] or []):
                        listening = {found.laddr.port for found in process.net_connections()}
                        if int(update.text) in listening:
                            process.kill()

        result = gang.run(
            train,
            num_tasks=2,
            args=[str(self.folder)],
            on_progress=kill,
            max_restarts=1,
            backoff=0.1,
        )
        return {"values": list(result), "error": str(result.attempts[0])}


def main(url: str, folder: str, *names: str) -> None:
    spark = SparkSession.builder.remote(url).getOrCreate()
    for name in names:
        place = Path(folder, name)
        place.mkdir()
        try:
            with nothing_left(place):
                outcome = getattr(Cases(spark, url, place), name)()
            if name not in WELL:
                gang.preflight(spark, 2, wait=60.0)  # An executor may be new.
                after = list(gang.run(lambda ctx: ctx.all_gather(ctx.rank), num_tasks=2))
                assert after == [[0, 1]] * 2, after
        except BaseException:
            outcome = {"case failed": traceback.format_exc()}
        print("GANG", json.dumps({name: outcome}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

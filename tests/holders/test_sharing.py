"""`batch_udf(share="host")`: one model for all workers of a host, and the same answers."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.holders.linux import start_time
from hydrofoil.tools.parity.engines import Engine

Floats = NDArray[np.float64]
MODES = pytest.mark.parametrize("batching", [False, True], ids=["forked", "batching"])


def shared(load: Callable[[], Any], batching: bool, **options: Any) -> Callable[[Any], Any]:
    return hydrofoil.batch_udf(  # type: ignore[no-any-return]
        load=load, share="host", batching=batching, **{"batch_size": 4, **options}
    )


def values(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


def lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def comes(what: Callable[[], Any]) -> Any:
    """What a function returns once that is something; it is waited for."""
    until = time.monotonic() + 60
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.02)
    assert found
    return found


def noting(file: Path, model: Any = 0.5) -> Callable[[], Any]:
    """A function that returns the model, and notes the process that does."""
    path = str(file)

    def load() -> Any:
        with open(path, "a") as log:
            print(os.getpid(), file=log)
        return model

    return load


def test_answers_as_without(worker: Engine, spark: SparkSession) -> None:
    check_answers(spark, batching=False)


def test_answers_as_without_also_with_batching(spark: SparkSession) -> None:
    check_answers(spark, batching=True)


def check_answers(spark: SparkSession, batching: bool) -> None:
    def outputs(x: Any) -> Any:
        return {"total": x.sum(axis=1), "twice": x * 2}

    def rows(x: Any) -> Any:
        return [{"total": row.sum(), "twice": row * 2} for row in x]

    struct = "total float, twice array<float>"
    cases: list[tuple[Callable[..., Any], str, tuple[str, ...], Any]] = [
        (lambda x: x.sum(axis=(1, 2)), "float", ("x",), [[2, 2]]),
        (lambda x, n: x[:, 0] + n, "double", ("x", "n"), [[4], None]),
        (lambda s: [None if one is None else one + "!" for one in s], "string", ("s",), None),
        (outputs, struct, ("x",), [[4]]),
        (rows, struct, ("x",), [[4]]),
    ]
    numbers = pa.array([None if i == 3 else i * 1.5 for i in range(23)])
    texts = pa.array([None if i % 3 == 0 else str(i) for i in range(23)])
    lists = pa.array([[i * 1.0, i * 2.0, 3.0, 4.0] for i in range(23)], pa.list_(pa.float32()))
    table = pa.table({"x": lists, "n": numbers, "s": texts})
    made, expected = [], {}
    for i, (predict, kind, columns, shapes) in enumerate(cases):

        def load(predict: Any = predict) -> Any:
            return predict

        options = {"return_type": kind, "batch_size": 5, "input_tensor_shapes": shapes}
        made.append(hydrofoil.batch_udf(load, share="host", batching=batching, **options)(*columns))
        without = hydrofoil.batch_udf(load, **options)
        expected[f"case{i}"] = without.local(*(table[name] for name in columns)).to_pylist()
    data = spark.range(0, 23, 1, 1).selectExpr(
        "transform(array(id, id * 2, 3, 4), e -> float(e)) as x",
        "if(id = 3, null, id * 1.5D) as n",
        "if(id % 3 = 0, null, string(id)) as s",
    )
    found = data.select(*(one.alias(f"case{i}") for i, one in enumerate(made))).collect()
    assert {name: [row.asDict(True)[name] for row in found] for name in expected} == expected


@MODES
def test_large_arrays(spark: SparkSession, batching: bool) -> None:
    @shared(lambda: 3.0, batching, return_type="array<double>", batch_size=64)
    def times(model: float, x: Floats) -> Floats:
        return x * model

    wide = spark.range(0, 300, 1, 2).selectExpr("transform(sequence(1, 2000), i -> id * i * 1D) x")
    sums = wide.select(times("x").alias("y")).selectExpr("aggregate(y, 0D, (a, b) -> a + b) as s")
    assert values(sums) == [3.0 * i * 2001000 for i in range(300)]


@MODES
def test_it_is_loaded_once_also_for_new_workers(
    spark: SparkSession, tmp_path: Path, batching: bool
) -> None:
    @shared(noting(tmp_path / "loads"), batching)
    def half(model: float, x: Floats) -> Floats:
        return x * model

    @hydrofoil.udf
    def ends(x: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return x

    for _ in range(2):
        assert values(spark.range(0, 9, 1, 4).select(half("id")))[8] == 4.0
        with pytest.raises(Exception, match="crashed"):
            spark.range(0, 2, 1, 2).select(ends("id")).collect()
    # Another function, with the same model.

    @shared(noting(tmp_path / "loads"), batching, batch_size=3)
    def sizes(model: float, x: Floats) -> Floats:
        return np.full(len(x), len(x)) * model

    assert values(spark.range(0, 7, 1, 1).select(sizes("id"))) == [1.5] * 6 + [0.5]
    assert len(lines(tmp_path / "loads")) == 1


@MODES
def test_errors_of_the_function(spark: SparkSession, batching: bool) -> None:
    data = spark.range(0, 6, 1, 1).selectExpr("id", "array(id) as x")
    cases: tuple[tuple[Any, str, str], ...] = (
        (lambda model, x: x[1:], "double", "returned 3 for 4 rows"),
        (lambda model, x: 1, "double", "returned one value for 4 rows"),
        (lambda model, x: x, "array<double>", "needs two"),
        (lambda model, x: {"b": x}, "a double", r"returned \['b'\], and its type has the fields"),
        (lambda model, *x: model[3], "double", "KeyError: 3"),
        (lambda model, x: model[3], "double", r"(?s)KeyError: 3.*, in <lambda>\n"),
    )
    # What is returned goes the same way from a slot.
    for predict, kind, message in cases if batching else cases[-1:]:
        with pytest.raises(Exception, match=message):
            data.select(shared(dict, batching, return_type=kind)(predict)("id")).collect()
    with pytest.raises(Exception, match="returned 5 and no function of arrays"):
        options = {"return_type": "double", "batch_size": 4, "share": "host"}
        data.select(hydrofoil.batch_udf(lambda: 5, batching=batching, **options)("id")).collect()


@MODES
def test_a_model_that_does_not_load(spark: SparkSession, tmp_path: Path, batching: bool) -> None:
    file = str(tmp_path / "model")

    def load() -> float:
        with open(file) as opened:
            return float(opened.read())

    @shared(load, batching)
    def half(model: float, x: Floats) -> Floats:
        return x * model

    frame = spark.range(0, 9, 1, 1).select(half("id"))
    with pytest.raises(Exception, match=r"(?s)FileNotFoundError.*, in load\b") as told:
        frame.collect()
    assert str(told.value).count(", in load\n") == 1
    Path(file).write_text("0.5")
    assert values(frame)[8] == 4.0


@MODES
def test_a_process_that_dies_is_replaced_and_the_batch_run_again(
    spark: SparkSession, tmp_path: Path, batching: bool
) -> None:
    died = str(tmp_path / "died")

    @shared(noting(tmp_path / "loads"), batching)
    def half(model: float, x: Floats) -> Floats:
        if x[0] >= 16:
            # Two tasks run this at the same time.
            with suppress(FileExistsError), open(died, "x"):
                # That with the model.
                os.kill(os.getpid() if batching else os.getppid(), signal.SIGKILL)
                time.sleep(60)
        return x * model

    assert values(spark.range(0, 40, 1, 2).select(half("id"))) == [i / 2 for i in range(40)]
    assert len(lines(tmp_path / "loads")) == 2


@MODES
@pytest.mark.parametrize("ends", ["killed", "exits"])
def test_one_that_dies_again_is_told_of(spark: SparkSession, batching: bool, ends: str) -> None:
    @shared(lambda: 0.5, batching)
    def half(model: float, x: Floats) -> Floats:
        os.kill(os.getpid(), signal.SIGSEGV) if ends == "killed" else os._exit(7)
        return x

    why = "segmentation fault" if ends == "killed" else "exit status 7"
    with pytest.raises(Exception, match=rf"(?si)HolderDied: .* has died, and once more .*{why}"):
        spark.range(0, 9, 1, 1).select(half("id")).collect()


def test_the_keeper_dies(spark: SparkSession, tmp_path: Path) -> None:
    died = str(tmp_path / "died")

    @shared(noting(tmp_path / "loads"), False)
    def half(model: float, x: Floats) -> Floats:
        if not os.path.exists(died):
            with open(died, "w") as file:
                with open(f"/proc/{os.getppid()}/stat") as holder:
                    keeper = int(holder.read().rpartition(")")[2].split()[1])
                print(os.getpid(), os.getppid(), keeper, file=file, flush=True)
                os.kill(keeper, signal.SIGKILL)
                time.sleep(60)
        return x * model

    assert values(spark.range(0, 9, 1, 1).select(half("id")))[8] == 4.0
    comes(lambda: not any(map(start_time, map(int, lines(Path(died))))))


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


@MODES
def test_a_device_without_memory(spark: SparkSession, batching: bool) -> None:
    @shared(lambda: 2, batching, batch_size=8)
    def fits_halves(most: int, x: Floats) -> Floats:
        if len(x) > 4:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return x * 2.0

    @shared(lambda: 2, batching, batch_size=8)
    def fits_little(most: int, x: Floats) -> Floats:
        if len(x) > most:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return x

    data = spark.range(0, 20, 1, 1)
    assert values(data.select(fits_halves("id"))) == [i * 2.0 for i in range(20)]
    said = r"(?s)a batch of 8 rows, and for 4: OutOfMemoryError: CUDA out.*batch_size=2"
    with pytest.raises(Exception, match=said):
        data.select(fits_little("id")).collect()


def test_batches_are_filled_from_several_tasks(spark: SparkSession, tmp_path: Path) -> None:
    log = str(tmp_path / "sizes")

    @shared(lambda: 0.5, True, batch_size=10, max_wait_ms=20000)
    def half(model: float, x: Floats) -> Floats:
        with open(log, "a") as file:
            print(len(x), file=file)
        return x * model

    # Both tasks run at the same time, and have five rows each.
    assert values(spark.range(0, 10, 1, 2).select(half("id"))) == [i / 2 for i in range(10)]
    assert lines(Path(log)) == ["10"]


def test_rows_of_one_task_that_fail_do_not_fail_another(
    spark: SparkSession, tmp_path: Path
) -> None:
    @shared(lambda: 0.5, True, batch_size=10, max_wait_ms=20000)
    def half(model: float, x: Floats) -> Floats:
        if (x == 7).any():
            raise ValueError(f"{len(x)} rows")
        return x * model

    # The function is called again for the rows of each.
    with pytest.raises(Exception, match="ValueError: 5 rows"):
        spark.range(0, 10, 1, 2).select(half("id")).collect()


def test_a_cancelled_task_ends_its_batch(spark: SparkSession, tmp_path: Path) -> None:
    log = str(tmp_path / "slots")

    @shared(lambda: 0.5, False)
    def sleeps(model: float, x: Floats) -> Floats:
        with open(log, "a") as file:
            print(os.getpid(), file=file, flush=True)
        time.sleep(600)
        return x

    query = spark.range(0, 4, 1, 1).select(sleeps("id"))

    def run() -> None:
        spark.sparkContext.setJobGroup("sleeps", "", interruptOnCancel=True)
        with pytest.raises(Exception, match="cancel"):
            query.collect()

    thread = Thread(target=run)
    thread.start()
    [slot] = map(int, comes(lambda: lines(Path(log))))
    spark.sparkContext.cancelJobGroup("sleeps")
    comes(lambda: start_time(slot) is None)
    thread.join()


@MODES
def test_a_model_that_nobody_uses_goes(spark: SparkSession, tmp_path: Path, batching: bool) -> None:
    @shared(noting(tmp_path / "loads"), batching, keep=1)
    def half(model: float, x: Floats) -> Floats:
        return x * model

    frame = spark.range(0, 9, 1, 1).select(half("id"))
    assert values(frame)[8] == 4.0
    [holder] = map(int, lines(tmp_path / "loads"))
    comes(lambda: start_time(holder) is None)
    assert values(frame)[8] == 4.0
    assert len(lines(tmp_path / "loads")) == 2


@pytest.mark.slow
def test_libraries_with_threads(spark: SparkSession) -> None:
    """Threads that a model starts would be lost in a fork; those of OpenMP are not started."""

    def load() -> Any:
        import torch

        torch.manual_seed(0)
        made = torch.nn.Linear(512, 512)
        with torch.inference_mode():
            made(torch.ones(512, 512))
        return made

    def starts_a_thread() -> Any:
        from threading import Thread

        Thread(target=time.sleep, args=(600,), daemon=True).start()
        return load()

    def computes(model: Any, x: Floats) -> Floats:
        import torch

        with torch.inference_mode():
            rows = torch.ones(512, 512) * float(x[0])
            return np.full(len(x), model(rows).sum().item())

    expected = computes(load(), np.zeros(1))[0]
    for made in (load, starts_a_thread):
        predict = shared(made, False, return_type="double", threads=2)(computes)
        found = values(spark.range(0, 1, 1, 1).selectExpr("0D as x").select(predict("x")))
        assert found == pytest.approx([expected], rel=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": "cluster"}, "share='cluster'"),
        ({"batching": True}, "is for models that a host shares"),
        ({"share": "host", "device": "tpu"}, "device='tpu'"),
        ({"share": "host", "device": "cuda", "batching": False}, "one process alone owns a device"),
        ({"share": "host", "keep": "soon"}, "keep='soon' is no time"),
        ({"share": "host", "threads": 0}, "threads=0"),
        ({"share": "host", "max_wait_ms": -1}, "max_wait_ms=-1"),
    ],
)
def test_arguments_that_can_not_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hydrofoil.batch_udf(load=dict, batch_size=4, **options)


def test_no_device(spark: SparkSession) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("this host has a GPU")

    @hydrofoil.batch_udf(load=dict, batch_size=4, share="host", device="cuda")
    def same(model: Any, x: Floats) -> Floats:
        return x

    with pytest.raises(Exception, match="Spark has assigned no GPU"):
        spark.range(2).select(same("id")).collect()

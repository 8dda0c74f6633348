"""Other projects' calls over gangs: the same names, the same meaning."""

import pickle
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gang_cluster import two_workers
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.elsewhere.horovod import spark as horovod_spark
from hydrofoil.gang.elsewhere.horovod import torch as hvd
from hydrofoil.gang.elsewhere.petastorm import make_batch_reader
from hydrofoil.gang.elsewhere.petastorm.pytorch import BatchedDataLoader, DataLoader
from hydrofoil.gang.elsewhere.petastorm.spark import (
    SparkDatasetConverter,
    make_spark_converter,
)
from hydrofoil.gang.elsewhere.spark_tensorflow_distributor import MirroredStrategyRunner
from hydrofoil.gang.errors import UserError

# --- Horovod --------------------------------------------------------------------------------------


def model_and_rows() -> tuple[Any, Any, Any]:
    import torch

    torch.manual_seed(3)
    features = torch.randn(40, 3, dtype=torch.float64)
    return (
        torch.nn.Linear(3, 1).double(),
        features,
        features @ torch.tensor([[1.0], [-2], [3]]).double(),
    )


def steps(model: Any, optimizer: Any, features: Any, label: Any, number: int = 20) -> Any:
    for _ in range(number):
        optimizer.zero_grad()
        ((model(features) - label) ** 2).mean().backward()
        optimizer.step()
    return [param.detach().numpy().copy() for param in model.parameters()]


def horovod_program(scale: float, *, shift: float = 0.0) -> dict[str, Any]:
    """As users of Horovod write it, but for the import."""
    import torch

    assert not hvd.is_initialized()
    hvd.init()
    rank, size = hvd.rank(), hvd.size()
    told: dict[str, Any] = {
        "place": (
            rank,
            size,
            hvd.local_rank(),
            hvd.local_size(),
            hvd.cross_rank(),
            hvd.cross_size(),
        )
    }
    mine = torch.tensor([1.0, 2.0]) * (rank + scale)
    told["average"] = hvd.allreduce(mine, name="mean").tolist()
    told["reduced"] = [
        hvd.allreduce(mine, op=op).tolist() for op in (hvd.Sum, hvd.Min, hvd.Max, hvd.Product)
    ]
    told["scaled"] = hvd.allreduce(mine, op=hvd.Sum, prescale_factor=2.0).tolist()
    told["integers"] = hvd.allreduce(torch.tensor([rank, -rank * 3])).tolist()
    told["half"] = hvd.allreduce(mine, compression=hvd.Compression.fp16).dtype == mine.dtype
    assert mine.tolist() == [rank + scale, 2 * (rank + scale)]
    hvd.allreduce_(mine, average=False)
    told["in place"] = mine.tolist()
    told["gathered"] = hvd.allgather(torch.full((rank + 1, 2), float(rank))).tolist()
    told["broadcast"] = hvd.broadcast(torch.tensor([float(rank)]), root_rank=1).item()
    told["objects"] = hvd.broadcast_object({"rank": rank}), hvd.allgather_object("x" * (rank + 1))
    grown = torch.tensor(2.0, requires_grad=True)
    (hvd.allreduce(grown, op=hvd.Sum) * (rank + 1)).backward()
    told["gradient"] = grown.grad.item()  # 1 of rank 0 and 2 of rank 1.

    model, features, label = model_and_rows()
    if rank:
        torch.nn.init.zeros_(model.weight)  # Undone by the next line.
    hvd.broadcast_parameters(model.state_dict(), root_rank=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05 if rank == 0 else 5.0)
    hvd.broadcast_optimizer_state(optimizer, root_rank=0)
    optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())
    told["kind"] = isinstance(optimizer, torch.optim.Adam)
    torch.optim.lr_scheduler.StepLR(optimizer, 1_000)
    told["weights"] = steps(model, optimizer, features[rank::size], label[rank::size])
    optimizer.zero_grad()
    (model(features[:1]).sum() * (rank + 1)).backward()
    optimizer.synchronize()
    told["synchronized"] = model.bias.grad.item()
    with optimizer.skip_synchronize():
        optimizer.step()
    hvd.shutdown()
    told["after"] = hvd.is_initialized(), shift
    return told


def test_a_program_of_horovod(spark: SparkSession) -> None:
    import torch

    first, second = horovod_spark.run(
        horovod_program, args=(1.0,), kwargs={"shift": 0.5}, num_proc=2
    )
    assert (first["place"], second["place"]) == ((0, 2, 0, 2, 0, 1), (1, 2, 1, 2, 0, 1))
    model, features, label = model_and_rows()
    alone = steps(model, torch.optim.Adam(model.parameters(), lr=0.05), features, label)
    for told in first, second:
        assert told["average"] == [1.5, 3.0]
        assert told["reduced"] == [[3.0, 6.0], [1.0, 2.0], [2.0, 4.0], [2.0, 8.0]]
        assert told["scaled"] == [6.0, 12.0] and told["in place"] == [3.0, 6.0]
        assert told["integers"] == [0, -1]
        assert told["half"] and told["kind"]
        assert told["gathered"] == [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
        assert told["broadcast"] == 1.0
        assert told["objects"] == ({"rank": 0}, ["x", "xx"])
        assert told["gradient"] == 3.0
        assert told["synchronized"] == 1.5
        assert told["after"] == (False, 0.5)
        # The mean over ranks of equal size is that of all rows.
        for mine, of_one in zip(told["weights"], alone, strict=True):
            np.testing.assert_allclose(mine, of_one, rtol=1e-9)


def without_init() -> int:
    return hvd.rank()


def sparse_gradient() -> None:
    import torch

    hvd.init()
    table = torch.nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([hvd.rank()])).sum().backward()
    hvd.DistributedOptimizer(torch.optim.SGD(table.parameters(), lr=0.1)).step()


def test_what_horovod_here_cannot_do(spark: SparkSession) -> None:
    with pytest.raises(UserError, match=r"hvd\.init\(\) first"):
        horovod_spark.run(without_init, num_proc=1, verbose=0)
    with pytest.raises(UserError, match="no sparse gradients"):
        horovod_spark.run(sparse_gradient, num_proc=1)
    with pytest.raises(UsageError, match="num_proc=0"):
        horovod_spark.run(without_init, num_proc=0)
    with pytest.raises(UsageError, match="outside of a rank"):
        hvd.init()
    with pytest.raises(UsageError, match="Average and Sum"):
        hvd.DistributedOptimizer(None, op=hvd.Max)


# --- Petastorm ------------------------------------------------------------------------------------


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    key = SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF
    spark.conf.set(key, f"file://{tmp_path}")
    yield tmp_path
    spark.conf.unset(key)


def rows(spark: SparkSession) -> DataFrame:
    return spark.range(100).select(
        "id",
        (F.col("id") * 0.5).alias("half"),
        F.array(F.col("id") * 1.0, F.lit(1.0)).alias("pair"),
        (F.col("id") % 2 == 0).alias("even"),
    )


def test_batches_of_a_converter(spark: SparkSession, folder: Path) -> None:
    converter = make_spark_converter(rows(spark))
    assert len(converter) == converter.dataset_size == 100
    assert Path(converter.cache_dir_url).parent == folder
    assert all(Path(path).is_file() for path in converter.file_urls)
    assert make_spark_converter(rows(spark)) is converter  # It is there already.

    with converter.make_torch_dataloader(
        batch_size=32, num_epochs=3, shuffle_row_groups=False
    ) as loader:
        batches = list(loader)
    # 300 rows, across epochs.
    assert [len(batch["id"]) for batch in batches] == [32] * 9 + [12]
    ids = np.concatenate([batch["id"] for batch in batches])
    assert ids.tolist() == [*range(100)] * 3
    assert {name: str(t.dtype) for name, t in batches[0].items()} == {
        "id": "torch.int64",
        "half": "torch.float32",
        "pair": "torch.float32",
        "even": "torch.uint8",
    }
    assert batches[3]["pair"].shape == (32, 2)
    assert batches[3]["pair"][:, 0].tolist() == batches[3]["id"].tolist()

    shards = []
    for shard in range(3):
        again = pickle.loads(pickle.dumps(converter))
        with again.make_torch_dataloader(num_epochs=1, cur_shard=shard, shard_count=3) as loader:
            shards.append(np.concatenate([batch["id"] for batch in loader]))
    assert sorted(len(ids) for ids in shards) == [33, 33, 34]
    assert sorted(np.concatenate(shards)) == [*range(100)]
    assert shards[0].tolist() != sorted(shards[0])

    with converter.make_torch_dataloader(batch_size=30) as loader:  # Without end.
        seen = [len(batch["id"]) for batch, _ in zip(loader, range(10), strict=False)]
    assert seen == [30] * 10

    converter.delete()
    assert not any(folder.iterdir())
    assert make_spark_converter(rows(spark)) is not converter


def test_what_becomes_of_types(spark: SparkSession, folder: Path) -> None:
    df = spark.createDataFrame([(1.5, Vectors.dense(1.0, 2.0), "a")], ["double", "v", "s"])
    df = df.withColumn("single", F.lit(2.5).cast("float"))
    for dtype, of_double, of_single in (
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        (None, "float64", "float32"),
    ):
        numbers = make_spark_converter(df.drop("s"), dtype=dtype)
        with numbers.make_torch_dataloader(num_epochs=1) as loader:
            [batch] = loader
        kinds = {name: str(t.dtype).removeprefix("torch.") for name, t in batch.items()}
        assert kinds == {"double": of_double, "v": of_double, "single": of_single}
        assert batch["v"].tolist() == [[1.0, 2.0]]
    with_text = make_spark_converter(df).make_torch_dataloader(num_epochs=1)
    with with_text as loader, pytest.raises(UsageError, match="column 's' has no type that torch"):
        list(loader)


def test_what_converters_refuse(spark: SparkSession, folder: Path) -> None:
    with pytest.raises(UsageError, match="dtype='half'"):
        make_spark_converter(spark.range(1), dtype="half")
    converter = make_spark_converter(spark.range(3))
    with pytest.raises(UsageError, match="go together"):
        converter.make_torch_dataloader(cur_shard=0)
    with pytest.raises(UsageError, match="num_epochs=0"):
        converter.make_torch_dataloader(num_epochs=0)
    spark.conf.unset(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF)
    with pytest.raises(UsageError, match="parentCacheDirUrl is not set"):
        make_spark_converter(spark.range(4))


def test_a_converter_in_the_ranks_of_a_gang(spark: SparkSession, folder: Path) -> None:
    converter = make_spark_converter(rows(spark))

    def train(ctx: gang.Context) -> int:
        with converter.make_torch_dataloader(
            num_epochs=1, cur_shard=ctx.rank, shard_count=ctx.world_size
        ) as loader:
            return int(sum(batch["id"].sum() for batch in loader))

    assert sum(gang.run(train, num_tasks=2, spark=spark)) == sum(range(100))


def test_a_reader_of_parquet_and_its_loaders(spark: SparkSession, tmp_path: Path) -> None:
    path = f"{tmp_path}/rows"
    df = rows(spark).withColumn("text", F.concat(F.lit("t"), F.col("id")))
    df.repartitionByRange(4, "id").write.parquet(path)  # Four files, so four row groups.

    def ids(batches: Any) -> list[int]:
        return np.concatenate([batch.id for batch in batches]).tolist()

    with make_batch_reader(f"file://{path}", num_epochs=2, shuffle_row_groups=False) as reader:
        groups = list(reader)
        assert reader.last_row_consumed
        reader.reset()
        assert ids(reader) == ids(groups)
    assert len(groups) == 8 and ids(groups) == [*range(100)] * 2
    assert groups[0]._fields == ("id", "half", "pair", "even", "text")
    assert groups[0].pair.shape == (len(groups[0].id), 2) and groups[0].text.dtype.kind == "U"
    orders = {tuple(ids(make_batch_reader(path, ["id"], seed=seed))) for seed in range(4)}
    assert len(orders) > 1 and {tuple(sorted(order)) for order in orders} == {(*range(100),)}

    shards = [
        ids(make_batch_reader(path, ["i.", "half"], cur_shard=shard, shard_count=3))
        for shard in range(3)
    ]
    assert sorted(chain.from_iterable(shards)) == [*range(100)]
    assert sorted(ids(make_batch_reader(path, filters=[("id", ">=", 90)]))) == [*range(90, 100)]

    reader = make_batch_reader(path, ["id", "pair"], shuffle_row_groups=False, num_epochs=None)
    with DataLoader(reader, batch_size=30) as loader:
        seen = [batch["id"] for batch, _ in zip(loader, range(10), strict=False)]
    assert np.concatenate(seen).tolist() == [*range(100)] * 3
    reader = make_batch_reader(path, ["id", "even"], shuffle_row_groups=False)
    loader = BatchedDataLoader(reader, batch_size=16, shuffling_queue_capacity=40)
    batches = list(loader)
    assert [len(batch["id"]) for batch in batches] == [16] * 6 + [4]
    assert [batch["even"].tolist() for batch in batches] == [
        (batch["id"] % 2 == 0).to(batch["even"].dtype).tolist() for batch in batches
    ]
    mixed = np.concatenate([batch["id"] for batch in batches]).tolist()
    assert mixed != sorted(mixed) == [*range(100)]
    # The first batch was drawn when three of the four files had come.
    assert 99 not in mixed[:16] and len(list(loader)) == 7


def test_what_readers_refuse(spark: SparkSession, tmp_path: Path) -> None:
    path = f"{tmp_path}/rows"
    spark.range(4).selectExpr("id", "sequence(0, id) as ragged", "'a' as text").coalesce(
        1
    ).write.parquet(path)
    with pytest.raises(UsageError, match=r"1 row group\(s\) for 2 shards"):
        make_batch_reader(path, cur_shard=0, shard_count=2)
    with pytest.raises(UsageError, match="shard_count=2 can't be"):
        make_batch_reader(path, cur_shard=2, shard_count=2)
    with pytest.raises(UsageError, match="match none of"):
        make_batch_reader(path, ["i"])
    with pytest.raises(UsageError, match="can't be read as Parquet"):
        make_batch_reader(f"{tmp_path}/nothing")
    with pytest.raises(UsageError, match="column 'ragged' have different lengths"):
        next(make_batch_reader(path))
    with pytest.raises(UsageError, match="column 'text' has no type"):
        list(DataLoader(make_batch_reader(path, ["text"])))


# --- TensorFlow -----------------------------------------------------------------------------------


def test_what_the_runner_refuses() -> None:
    with pytest.raises(UsageError, match="num_slots=0"):
        MirroredStrategyRunner(num_slots=0)
    with pytest.raises(UsageError, match="local_mode=True"):
        MirroredStrategyRunner(num_slots=2, local_mode=True, use_gpu=False)
    with pytest.raises(UsageError, match="gpu_resource_name='npu'"):
        MirroredStrategyRunner(num_slots=2, gpu_resource_name="npu")


# --- On a cluster ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_programs_and_an_estimator_on_a_cluster_of_two_workers(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    with two_workers(tmp_path) as cluster:
        # Two cores a rank: each executor has room for one.
        settings = {"spark.task.cpus": "2"}
        told = cluster.run("gang_elsewhere.py", f"{tmp_path}/shared", settings=settings)
    # All on one host here, in two executors.
    assert [rank[:2] for rank in told["ranks"]] == [[0, 2], [1, 2]]
    assert [rank[2] for rank in told["ranks"]] == [pytest.approx(told["label"])] * 2
    assert told["losses"][-1] < told["losses"][0] and told["error"] < 0.1

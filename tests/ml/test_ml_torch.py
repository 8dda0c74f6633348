"""`TorchEstimator`: trains as one process would, and is at home in `pyspark.ml`."""

import functools
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.ml.functions import array_to_vector
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from torch.nn import functional as TF

from hydrofoil.errors import UsageError
from hydrofoil.gang.local import run_locally
from hydrofoil.ml.torch import TorchEstimator, TorchModel
from hydrofoil.ml.workers.of_torch import building
from hydrofoil.ml.workers.of_torch.batches import Plan, Rows
from hydrofoil.ml.workers.of_torch.losses import RowLoss, outputs_of
from hydrofoil.ml.workers.of_torch.predicting import Predict

# See tests/conftest.py.
ONE_IN = 2

ROWS = 41  # Of two ranks one has a row more.


def linear(inputs: int = 3, outputs: int = 1) -> Any:
    torch.manual_seed(5)
    return torch.nn.Linear(inputs, outputs).double()


@pytest.fixture(scope="module")
def numbers(spark: SparkSession) -> DataFrame:
    """Features, a label that is nearly linear in them, weights, and who is for validation."""
    waves = [F.sin(F.col("id") * (0.7 + n)) for n in range(3)]
    return (
        spark.range(ROWS)
        .select("id", F.array(*waves).alias("features"))
        .withColumn("label", F.expr("2 * features[0] - features[1] + 0.1 * sin(97 * id)"))
        .withColumn("weight", 1 + F.col("id") % 3)
        .withColumn("valid", F.col("id") % 5 == 0)
        .cache()
    )


def arrays(df: DataFrame) -> tuple[Any, Any, Any]:
    frame = df.toPandas()
    features = torch.from_numpy(np.stack(frame["features"].to_numpy()))
    label, weight = (torch.from_numpy(frame[name].to_numpy("f8")) for name in ("label", "weight"))
    return features, label, weight


# --- Training as one process ----------------------------------------------------------------------


def test_two_ranks_learn_what_one_process_learns(numbers: DataFrame) -> None:
    module = linear()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    estimator = TorchEstimator(
        module,
        torch.nn.MSELoss(),
        torch.optim.SGD,
        optimizer_params={"lr": 0.1, "momentum": 0.9},
        scheduler=torch.optim.lr_scheduler.StepLR,
        scheduler_params={"step_size": 10, "gamma": 0.5},
        weight_col="weight",
        epochs=25,
        batch_size=0,
        num_workers=2,
    )
    model = estimator.fit(numbers)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

    features, label, weight = arrays(numbers)
    alone = linear()
    optimizer = torch.optim.SGD(alone.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.5)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        errors = (alone(features).squeeze(1) - label) ** 2
        loss = (errors * weight).sum() / weight.sum()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(model.module.state_dict()[name], value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([entry["loss"] for entry in model.history], losses, rtol=1e-9)
    assert [entry["lr"] for entry in model.history][::10] == [0.1, 0.05, 0.025]
    assert model.best_epoch == 24 and losses[-1] < losses[0] / 5

    shown = model.transform(numbers).orderBy("id")
    assert shown.schema["prediction"].dataType.simpleString() == "double"
    with torch.no_grad():
        expected = alone(features).squeeze(1).numpy()
    predictions = [row["prediction"] for row in shown.select("prediction").collect()]
    np.testing.assert_allclose(predictions, expected, rtol=1e-6, atol=1e-6)


def test_steps_of_unequal_ranks_are_steps_over_the_rows_of_both(numbers: DataFrame) -> None:
    df = numbers.repartition(2, "id").withColumn("part", F.spark_partition_id()).localCheckpoint()
    parts = [arrays(df.where(F.col("part") == part)) for part in range(2)]
    counts = [len(features) for features, _, _ in parts]
    size = min(counts)
    assert size < max(counts)  # One rank has a batch more.
    model = TorchEstimator(
        linear(),
        torch.nn.MSELoss(),
        torch.optim.SGD,
        optimizer_params={"lr": 0.1},
        weight_col="weight",
        epochs=3,
        batch_size=size,
        shuffle=False,
        num_workers=2,
        gang_options={"balance": "none"},
    ).fit(df)

    alone = linear()
    optimizer = torch.optim.SGD(alone.parameters(), lr=0.1)
    for _ in range(3):
        for start in range(0, max(counts), size):
            features, label, weight = (
                torch.cat([column[start : start + size] for column in columns])
                for columns in zip(*parts, strict=True)
            )
            optimizer.zero_grad()
            errors = (alone(features).squeeze(1) - label) ** 2
            ((errors * weight).sum() / weight.sum()).backward()
            optimizer.step()
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(model.module.state_dict()[name], value, rtol=1e-9, atol=1e-9)


def losses_of_all() -> list[Any]:
    classes = torch.tensor([0.5, 2.0, 1.0])
    return [
        (torch.nn.MSELoss(), "numbers"),
        (TF.l1_loss, "numbers"),
        (functools.partial(TF.huber_loss, delta=0.5), "numbers"),
        (torch.nn.CrossEntropyLoss(), "classes"),
        (torch.nn.CrossEntropyLoss(weight=classes), "classes"),
        (torch.nn.CrossEntropyLoss(weight=classes, label_smoothing=0.2), "classes"),
        (torch.nn.CrossEntropyLoss(ignore_index=1), "classes"),
        (functools.partial(TF.nll_loss, weight=classes), "classes"),
        (torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0])), "binary"),
        (torch.nn.MSELoss(reduction="sum"), "numbers"),
        (lambda output, label: (output - label) ** 4, "numbers"),
    ]


@pytest.mark.parametrize("place", range(len(losses_of_all())))
def test_losses_of_rows_add_up_to_the_losses_of_all(place: int) -> None:
    loss, of = losses_of_all()[place]
    torch.manual_seed(1)
    output = torch.randn(12, 3 if of == "classes" else 1, dtype=torch.float64)
    label = torch.randn(12, dtype=torch.float64)
    if of == "classes":
        label, output = torch.arange(12) % 3, output.float()
    elif of == "binary":
        label = (label > 0).double()
    rows = RowLoss(loss)
    weights = rows.row_weights(label.numpy(), None)
    found = rows(output, label)
    expected = loss(output if of == "classes" else output.squeeze(1), label).mean()
    if rows.whole:
        assert loss.label_smoothing
        return torch.testing.assert_close(found, expected)
    assert found.shape == (12,)
    weights = torch.ones(12) if weights is None else torch.from_numpy(weights)
    total = 1.0 if rows.adds_up else weights.sum()
    torch.testing.assert_close(((found * weights).sum() / total).to(expected), expected)
    return None


def plan(ctx: Any) -> Any:
    """Rank 0 has 7 rows and rank 1 has 3, whose last is for validation."""
    own = np.arange(7 if ctx.rank == 0 else 2)
    rows = Rows([np.zeros(8)], np.zeros(8), None, own)
    weights = None if ctx.rank == 0 else np.array([1.0, 5.0, 9.0])
    seen = []
    for shuffle, drop_last in ((False, False), (True, False), (False, True)):
        made = Plan(ctx, rows, weights, 3, shuffle, drop_last, seed=1)
        epochs = [list(made.epoch(number)) for number in range(2)]
        assert [len(epoch) for epoch in epochs] == [made.steps] * 2
        seen.append(
            [[(s.rows.tolist(), s.weights.tolist(), s.total) for s in epoch] for epoch in epochs]
        )
    return seen


def test_ranks_make_equal_steps_and_count_each_row_once() -> None:
    first, second = run_locally(2, plan)
    in_order, shuffled, dropped = zip(first, second, strict=True)
    assert in_order[0][0] == [
        ([0, 1, 2], [1.0] * 3, 9.0),
        ([3, 4, 5], [1.0] * 3, 3.0),
        ([6], [1.0], 1.0),
    ]
    assert in_order[1][0] == [
        ([0, 1, 0], [1.0, 5.0, 0.0], 9.0),
        ([1, 0, 1], [0.0] * 3, 3.0),
        ([0], [0.0], 1.0),
    ]
    assert in_order[0][0] == in_order[0][1]
    assert len(dropped[0][0]) == len(dropped[1][0]) == 2
    orders = [[row for rows, _, _ in epoch for row in rows] for epoch in shuffled[0]]
    assert orders[0] != orders[1]
    assert [sorted(order) for order in orders] == [[*range(7)]] * 2


# --- In pyspark.ml --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flowers(spark: SparkSession) -> DataFrame:
    names = F.array(*map(F.lit, ("rose", "tulip", "lily")))
    return spark.range(90).select(
        names[(F.col("id") % 3).cast("int")].alias("name"),
        (F.col("id") % 3 + F.sin("id") / 4).alias("width"),
        (F.col("id") % 3 * -2 + F.cos("id") / 4).cast("float").alias("height"),
    )


def classifier(**values: Any) -> TorchEstimator:
    torch.manual_seed(0)
    return TorchEstimator(
        torch.nn.Linear(2, 3),
        torch.nn.CrossEntropyLoss(),
        torch.optim.Adam,
        **{"optimizer_params": {"lr": 0.2}, "epochs": 20, "batch_size": 20, **values},
    )


def test_pipeline_cross_validator_and_loading(
    spark: SparkSession, flowers: DataFrame, tmp_path: Path
) -> None:
    estimator = classifier(label_col="class")
    pipeline = Pipeline(
        stages=[
            StringIndexer(inputCol="name", outputCol="class"),
            VectorAssembler(inputCols=["width", "height"], outputCol="features"),
            estimator,
        ]
    )
    grid = ParamGridBuilder().addGrid(estimator.epochs, [1, 20]).build()
    validator = CrossValidator(
        estimator=pipeline,
        estimatorParamMaps=grid,
        evaluator=MulticlassClassificationEvaluator(labelCol="class"),
        numFolds=2,
        parallelism=2,
    )
    found = validator.fit(flowers)
    assert found.avgMetrics[1] > 0.95 > found.avgMetrics[0]
    best: PipelineModel = found.bestModel
    shown = best.transform(flowers)
    kinds = {name: kind for name, kind in shown.dtypes if name not in flowers.columns}
    assert kinds == {
        "class": "double",
        "features": "vector",
        "rawPrediction": "vector",
        "probability": "vector",
        "prediction": "double",
    }
    row = shown.first()
    assert row is not None
    assert row["probability"].toArray().sum() == pytest.approx(1.0)
    assert row["rawPrediction"].toArray().argmax() == row["prediction"] == row["class"]

    best.write().overwrite().save(f"{tmp_path}/model")
    again = PipelineModel.load(f"{tmp_path}/model")
    assert again.transform(flowers).collect() == shown.collect()
    torch_model = again.stages[-1]
    assert isinstance(torch_model, TorchModel) and torch_model.uid == estimator.uid
    assert torch_model.history == best.stages[-1].history
    pipeline.write().overwrite().save(f"{tmp_path}/pipeline")
    loaded = Pipeline.load(f"{tmp_path}/pipeline").getStages()[-1]
    assert loaded.named("epochs") == 20 and isinstance(loaded.named("module"), torch.nn.Linear)
    stage = next(Path(tmp_path, "model", "stages").glob(f"2_{estimator.uid}"))
    weights = TorchModel.load_weights(str(stage))
    assert torch.equal(weights["weight"], torch_model.module.weight)


class TwoTowers(torch.nn.Module):
    """Integers that are looked up, beside a matrix and a vector of numbers; two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(5, 2)
        self.rest = torch.nn.LazyLinear(2)
        self.register_buffer("kept", torch.tensor([7.0]), persistent=False)

    def forward(self, which: Any, matrix: Any, vector: Any) -> Any:
        assert which.dtype == torch.int64 and which.dim() == 1
        assert self.kept.item() == 7.0
        joined = torch.cat([self.table(which), matrix, vector], 1)
        return self.rest(joined), which


def loss_of_first(output: Any, label: Any) -> Any:
    return (output[0] - label) ** 2


@pytest.mark.parametrize("output_type", ["array", "vector"])
def test_a_module_of_several_inputs_made_on_the_ranks(
    spark: SparkSession, numbers: DataFrame, tmp_path: Path, output_type: str
) -> None:
    df = numbers.select(
        "*",
        (F.col("id") % 5).alias("which"),
        array_to_vector(F.col("features")).alias("vector"),
        F.expr("features[0]").alias("a.b"),
    )
    estimator = TorchEstimator(
        lambda: TwoTowers(),
        loss_of_first,
        lambda module: torch.optim.SGD(module.parameters(), lr=0.05),
        inputs=["which", ["weight", "a.b"], "vector"],
        label_col=["label", "weight"],
        output_fn=lambda output: output[0],
        output_type=output_type,
        epochs=2,
        num_workers=1 if output_type == "vector" else 2,
    )
    model = estimator.fit(df)
    shown = model.transform(df)
    kind = {"array": "array<float>", "vector": "vector"}[output_type]
    assert dict(shown.dtypes)["prediction"] == kind
    model.write().save(f"{tmp_path}/model")
    again = TorchModel.load(f"{tmp_path}/model")
    assert again.transform(df).collect() == shown.collect()
    frame = df.toPandas()
    with torch.no_grad():
        expected = model.module(
            torch.from_numpy(frame["which"].to_numpy()),
            torch.from_numpy(frame[["weight", "a.b"]].to_numpy("f4")),
            torch.from_numpy(np.stack(frame["features"].to_numpy()).astype("f4")),
        )[0]
    found = np.stack([np.array(row["prediction"]) for row in shown.orderBy("id").collect()])
    np.testing.assert_allclose(found, expected.numpy()[np.argsort(frame["id"])], rtol=1e-5)


def test_the_best_epoch_is_kept_and_training_stops(numbers: DataFrame) -> None:
    def absolute(output: Any, label: Any) -> Any:
        return (output - label).abs()

    made = linear()
    estimator = TorchEstimator(
        made,
        torch.nn.MSELoss(),
        torch.optim.SGD(made.parameters(), lr=0.3),
        # The rate goes up until nothing is learned any more.
        scheduler=torch.optim.lr_scheduler.LambdaLR,
        scheduler_params={"lr_lambda": lambda epoch: 1.0 if epoch < 3 else 40.0},
        metrics={
            "absolute": absolute,
            "largest": lambda output, label: absolute(output, label).max(),
        },
        validation_indicator_col="valid",
        monitor="val_absolute",
        patience=2,
        epochs=50,
        batch_size=8,
        num_workers=2,
    )
    model = estimator.fit(numbers)
    values = [entry["val_absolute"] for entry in model.history]
    assert model.best_epoch == int(np.argmin(values)) == len(values) - 3 < 10
    features, label, _ = arrays(numbers.where("valid"))
    with torch.no_grad():
        errors = (model.module(features).squeeze(1) - label).abs()
    # Over the rows of both ranks, once each.
    assert errors.mean().item() == pytest.approx(values[model.best_epoch], rel=1e-6)
    best = model.history[model.best_epoch]
    assert best["val_loss"] == pytest.approx((errors**2).mean().item(), rel=1e-6)
    assert set(best) == {"epoch", "lr", "loss", "val_loss", "val_absolute", "val_largest"}


def test_an_epoch_whose_metric_is_no_number_is_not_the_best(numbers: DataFrame) -> None:
    """As a precision is not before anything was found."""
    values = [math.nan, 0.5, math.nan, 0.25, 0.75]

    def measured(output: Any, label: Any) -> float:
        return values.pop(0)

    estimator = TorchEstimator(
        linear(),
        torch.nn.MSELoss(),
        torch.optim.SGD,
        optimizer_params={"lr": 0.01},
        metrics={"measured": measured},
        validation_indicator_col="valid",
        monitor="val_measured",
        epochs=5,
        batch_size=0,
    )
    assert estimator.fit(numbers).best_epoch == 3


def dying(flag: str) -> Callable[[Any, Any], Any]:
    """A loss that ends its process once, in the middle of the third epoch."""
    calls = [0]

    def loss(output: Any, label: Any) -> Any:
        calls[0] += 1
        if calls[0] == 8 and not os.path.exists(flag):
            open(flag, "w").close()
            os._exit(3)
        return ((output - label) ** 2).mean()

    return loss


def test_a_restarted_training_ends_as_an_unbroken_one(numbers: DataFrame, tmp_path: Path) -> None:
    def fit(flag: str, **values: Any) -> TorchModel:
        estimator = TorchEstimator(
            linear(),
            dying(flag),
            torch.optim.Adam,
            optimizer_params={"lr": 0.1},
            epochs=5,
            batch_size=16,
            **values,
        )
        return estimator.fit(numbers.coalesce(1))

    folder = f"{tmp_path}/checkpoints"
    again = {"max_restarts": 1, "backoff": 0.1}
    broken = fit(f"{tmp_path}/flag", checkpoint=folder, gang_options=again)
    assert (tmp_path / "flag").exists() and not any(Path(folder).iterdir())
    (tmp_path / "none").touch()
    whole = fit(f"{tmp_path}/none")
    assert broken.history == whole.history and len(whole.history) == 5
    for name, value in whole.module.state_dict().items():
        assert torch.equal(broken.module.state_dict()[name], value)

    # With a name, a further fit goes on from what is there: here from the end.
    first = fit(f"{tmp_path}/none", checkpoint=folder, run_id="a")
    second = fit(f"{tmp_path}/none", checkpoint=folder, run_id="a")
    assert second.history == first.history
    assert torch.equal(second.module.weight, first.module.weight)
    with pytest.raises(UsageError, match="of a training with other parameters"):
        fit(f"{tmp_path}/none", checkpoint=folder, run_id="a", seed=3)


def test_lower_precision(numbers: DataFrame) -> None:
    model = TorchEstimator(
        torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)),
        TF.mse_loss,
        torch.optim.SGD,
        optimizer_params={"lr": 0.05},
        precision="bfloat16",
        max_grad_norm=1.0,
        epochs=3,
        num_workers=2,
        validation_indicator_col="valid",
    ).fit(numbers)
    losses = [entry["loss"] for entry in model.history]
    assert losses[-1] < losses[0]
    assert model.module[0].weight.dtype == torch.float32


LOAD = """
import sys
from pyspark.sql import SparkSession
from hydrofoil.ml.torch import TorchModel

spark = SparkSession.builder.master("local[1]").getOrCreate()
model = TorchModel.load(sys.argv[1])
df = spark.range(3).selectExpr("array(double(id), 1D, 2D) as features")
print([row.prediction for row in model.transform(df).collect()])
"""


@pytest.mark.slow
def test_a_model_is_loaded_by_another_program(numbers: DataFrame, tmp_path: Path) -> None:
    class Own(torch.nn.Module):  # Of this program; the other one doesn't have it.
        def __init__(self) -> None:
            super().__init__()
            self.within = linear()

        def forward(self, features: Any) -> Any:
            return self.within(features) + 1

    model = TorchEstimator(Own(), TF.mse_loss, torch.optim.SGD, optimizer_params={"lr": 0.1}).fit(
        numbers
    )
    model.write().save(f"{tmp_path}/model")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, f"{tmp_path}/model"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with torch.no_grad():
        features = torch.tensor([[n, 1.0, 2.0] for n in range(3)]).double()
        expected = model.module(features).squeeze(1).tolist()
    assert eval(done.stdout.splitlines()[-1]) == pytest.approx(expected)


def test_labels_of_classes_are_whole_numbers(numbers: DataFrame) -> None:
    estimator = TorchEstimator(linear(3, 2), torch.nn.CrossEntropyLoss(), torch.optim.SGD)
    for value, said in (("0.5", "has 0.5, and the label is a whole number"), ("'NaN'", "has NaN")):
        df = numbers.withColumn("label", F.expr(f"if(id = 7, double({value}), 1D)"))
        with pytest.raises(Exception, match=said):
            estimator.fit(df)
    df = numbers.withColumn("label", F.expr("id % 2 = 0"))
    model = estimator.fit(df)  # True and false are classes, too.
    assert set(model.transform(df).toPandas()["prediction"]) <= {0.0, 1.0}


# --- Predicting -----------------------------------------------------------------------------------


def test_what_predictions_are_made_of() -> None:
    raw = np.array([[-2.0], [0.5], [40.0]], dtype="f4")

    def predicted(outputs: str, values: Any = raw, **options: Any) -> Any:
        made = {"output_fn": None, "kinds": ["float"], "widths": [0], **options}
        fields = ["prediction"] if outputs == "numbers" else ["raw", "probability", "prediction"]
        predict = Predict(made["kinds"], made["widths"], outputs, fields, made["output_fn"])
        return predict(torch.nn.Identity(), *(values if isinstance(values, list) else [values]))

    assert predicted("numbers")["prediction"].tolist() == [-2.0, 0.5, 40.0]
    both = predicted("logit")
    assert both["prediction"].tolist() == [0.0, 1.0, 1.0]
    assert both["raw"].tolist() == [[2.0, -2.0], [-0.5, 0.5], [-40.0, 40.0]]
    assert 0 < both["probability"][2, 0] < 1e-16  # And not what 1 - p leaves of it.
    np.testing.assert_allclose(both["probability"].sum(1), 1.0)
    assert predicted("probability", raw / 40)["prediction"].tolist() == [0.0, 0.0, 1.0]
    three = np.log(np.array([[0.2, 0.5, 0.3]]))
    for outputs in ("log_probabilities", "logits"):
        found = predicted(outputs, three)
        np.testing.assert_allclose(found["probability"], [[0.2, 0.5, 0.3]])
        assert found["prediction"].tolist() == [1.0]
    columns = [raw[:, 0], raw[:, 0]]
    assert predicted("numbers", columns, widths=[2])["prediction"].shape == (3, 2)
    largest = predicted("numbers", three, output_fn=lambda output: output.argmax(1))
    assert largest["prediction"].tolist() == [1.0]
    with pytest.raises(UsageError, match="returned a tuple"):
        predicted("numbers", output_fn=lambda output: (output,))
    with pytest.raises(UsageError, match="null in 1 rows"):
        predicted("numbers", np.array([1.0, np.nan]), kinds=["long"])


# --- Modules as bytes -----------------------------------------------------------------------------


def test_a_module_without_its_weights() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(200, 200), torch.nn.Linear(200, 200))
    module[1].weight = module[0].weight  # Tied.
    module[0].bias.requires_grad_(False)
    pickled, state = building.dumps(module)
    assert len(pickled) < 5_000 < len(state)
    again = building.loads(pickled, state)
    assert again[1].weight is again[0].weight
    assert [p.requires_grad for p in again.parameters()] == [True, False, True]
    for name, value in module.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_an_optimizer_made_again() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    groups = [
        {"params": module[1].parameters(), "lr": 0.5},
        {"params": module[0].parameters()},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.1)
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    again = building.Rebuilt(optimizer, module)(module)
    assert [group["lr"] for group in again.param_groups] == [0.5, 0.1]
    assert again.param_groups[0]["params"][0] is module[1].weight
    assert again.state[module[0].weight]["step"] == 1
    with pytest.raises(UsageError, match="parameters that the module does not have"):
        building.Rebuilt(optimizer, linear())


def test_what_known_losses_stand_for() -> None:
    assert outputs_of(torch.nn.CrossEntropyLoss()) == "logits"
    assert outputs_of(functools.partial(TF.binary_cross_entropy_with_logits)) == "logit"
    assert outputs_of(loss_of_first) is None


# --- Mistakes -------------------------------------------------------------------------------------

GOOD = (linear(), torch.nn.MSELoss(), torch.optim.SGD)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 3}, "did you mean epochs"),
        ({"epochs": 0}, "epochs=0: .*1 or more"),
        ({"patience": 2}, "patience needs rows to validate on"),
        ({"store": "s3://x"}, "takes no store="),
        ({"use_gpu": True}, "device='cuda'"),
        ({"precision": "int8"}, "one of 'float32'"),
        ({"metrics": {"loss": len}}, "'loss' has to be a function"),
        ({"run_id": "a"}, "run_id names checkpoints"),
        ({"loss": torch.nn.MSELoss}, r"write MSELoss\(\)"),
        ({"module": torch.nn.Linear}, r"write Linear\(\.\.\.\)"),
        ({"optimizer": None}, "has no optimizer"),
        ({"model": linear(), "module": linear()}, "model= and module= are the same"),
        (
            {"optimizer": torch.optim.SGD(GOOD[0].parameters()), "optimizer_params": {"lr": 1}},
            "is made already",
        ),
        ({"features_col": "no"}, "has no column 'no'"),
        ({"label_col": "features", "label_type": "nope"}, "one of 'auto'"),
        ({"validation_indicator_col": "weight"}, "make it boolean"),
        ({"inputs": ["features", "nothing"]}, "has no column 'nothing'"),
        ({"label_col": "text"}, "'text' is of type string, .*the label"),
    ],
)
def test_mistakes_before_anything_runs(
    numbers: DataFrame, values: dict[str, Any], said: str
) -> None:
    given = dict(zip(("module", "loss", "optimizer"), GOOD, strict=True)) | values
    with pytest.raises(UsageError, match=said):
        TorchEstimator(**given).fit(numbers.withColumn("text", F.lit("yes")))


@pytest.mark.parametrize(
    ("change", "values", "said"),
    [
        ("if(id = 3, null, label) as label", {}, "the label is null or NaN in 1 of"),
        ("if(id = 3, double('NaN'), label) as label", {}, "the label is null or NaN in 1 of"),
        ("-weight as weight", {"weight_col": "weight"}, "a weight is -3"),
        pytest.param(
            "false as valid",
            {"validation_indicator_col": "valid"},
            "no row is for validation",
            marks=pytest.mark.slow,
        ),
        ("true as valid", {"validation_indicator_col": "valid"}, "no rows to train on"),
        (
            "weight as weight",
            {"weight_col": "weight", "loss": lambda output, label: output.mean()},
            "needs the loss of each row",
        ),
        ("label as label", {"loss": lambda output, label: output[:3]}, "for 16 rows"),
        pytest.param(
            "label as label",
            {"optimizer": lambda parameters: 3},
            "returned a int",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_mistakes_that_ranks_find(
    numbers: DataFrame, change: str, values: dict[str, Any], said: str
) -> None:
    name = change.split()[-1]
    df = numbers.withColumn(name, F.expr(change.rpartition(" as ")[0]))
    given = dict(zip(("module", "loss", "optimizer"), GOOD, strict=True)) | values
    with pytest.raises(UsageError, match=said):
        TorchEstimator(**given, batch_size=16).fit(df)

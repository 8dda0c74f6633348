"""Parameters of `TorchEstimator`, and of what it returns."""

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasProbabilityCol, HasRawPredictionCol, HasSeed

from hydrofoil.ml.base.params import WorkersParams, one_or_several


def _param(name: str, text: str, convert: Callable[[Any], Any] | None = None) -> "Param[Any]":
    return Param(Params._dummy(), name, text, typeConverter=convert or _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _one_of(*values: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if value not in values:
            raise TypeError(f"has to be one of {', '.join(map(repr, values))}")
        return str(value)

    return convert


def _at_least(lowest: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        found = TypeConverters.toInt(value)
        if found < lowest:
            raise TypeError(f"has to be {lowest} or more")
        return found

    return convert


def _not_negative(value: Any) -> float:
    found = TypeConverters.toFloat(value)
    if not found >= 0:
        raise TypeError("has to be 0 or more")
    return found


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("has to be a dict")
    return dict(value)


def _metrics(value: Any) -> dict[str, Any]:
    found = _mapping(value)
    for name, metric in found.items():
        if not callable(metric) or name in ("loss", "lr", "epoch"):
            raise TypeError(f"{name!r} has to be a function, and no loss, lr or epoch")
    return found


def _inputs(value: Any) -> list[Any]:
    if isinstance(value, str) or not len(value):
        raise TypeError("has to be a list with a column, or a list of columns, for each argument")
    return [one_or_several(one) for one in value]


class TorchColumns(WorkersParams, HasProbabilityCol, HasRawPredictionCol):
    """What estimator and model have in common."""

    labelCol = _param(
        "labelCol",
        "labels: a column of numbers, arrays or vectors, or a list of columns of numbers",
        one_or_several,
    )
    inputs = _param(
        "inputs",
        "in place of featuresCol, for modules of several arguments: for each a column of numbers, "
        "arrays or vectors, or a list of columns of numbers",
        _inputs,
    )
    predicts = _param(
        "predicts",
        "what predictionCol has: 'numbers', the module's output; 'classes', with rawPredictionCol "
        "and probabilityCol, as a classifier; 'auto', by the loss",
        _one_of("auto", "numbers", "classes"),
    )
    output_type = _param(
        "output_type",
        "of predictionCol, where the module returns several numbers a row",
        _one_of("array", "vector"),
    )
    output_fn = _param(
        "output_fn", "a function of the module's output, whose result predictions are made of"
    )
    predict_batch_size = _param(
        "predict_batch_size", "rows that the module sees at a time in transform", _at_least(1)
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            inputs=None,
            predicts="auto",
            output_type="array",
            output_fn=None,
            predict_batch_size=4096,
        )

    def arguments(self) -> list[Any]:
        """The columns of each of the module's arguments."""
        inputs: list[Any] | None = self.named("inputs")
        return [self.getOrDefault(self.featuresCol)] if inputs is None else inputs


class TorchTraining(TorchColumns, HasSeed):
    """What the estimator has besides."""

    module = _param("module", "a torch.nn.Module, or a function that returns one")
    loss = _param("loss", "a loss of torch's, or a function of the module's output and the labels")
    optimizer = _param(
        "optimizer",
        "a class, or function, of module.parameters(), or of the module if its first parameter is "
        "called module; or an optimizer of the module's parameters",
    )
    optimizer_params = _param(
        "optimizer_params", "arguments of optimizer besides the parameters", _mapping
    )
    scheduler = _param("scheduler", "a class, or function, of the optimizer")
    scheduler_params = _param(
        "scheduler_params", "arguments of scheduler besides the optimizer", _mapping
    )
    scheduler_interval = _param(
        "scheduler_interval", "when the scheduler steps", _one_of("epoch", "step")
    )
    epochs = _param("epochs", "how often each row is seen, at most", _at_least(1))
    batch_size = _param("batch_size", "rows of a rank in a step; 0: all that it has", _at_least(0))
    val_batch_size = _param("val_batch_size", "the same in validation; 0: batch_size", _at_least(0))
    shuffle = _param(
        "shuffle", "whether each epoch has an order of its own", TypeConverters.toBoolean
    )
    drop_last = _param(
        "drop_last",
        "whether rows that fill no batch are left out of an epoch",
        TypeConverters.toBoolean,
    )
    label_type = _param(
        "label_type",
        "of the labels' tensor; 'auto': long for losses of classes, and for integers where the "
        "loss is a function of your own; otherwise the module's",
        _one_of("auto", "long", "float", "double"),
    )
    handleInvalid = _param(
        "handleInvalid",
        "what is done about null and NaN in features: 'error', or 'keep', which passes NaN on",
        _one_of("error", "keep"),
    )
    metrics = _param(
        "metrics",
        "by name, functions of the module's output and the labels: a number for each row, or one",
        _metrics,
    )
    monitor = _param(
        "monitor",
        "what is the best epoch by: 'val_loss', or 'val_' and a metric's name",
        TypeConverters.toString,
    )
    monitor_mode = _param("monitor_mode", "whether less is better", _one_of("min", "max"))
    patience = _param(
        "patience",
        "epochs in a row that may not be the best before training stops; 0: it does not",
        _at_least(0),
    )
    min_delta = _param("min_delta", "how much better counts as better", _not_negative)
    restore_best = _param(
        "restore_best",
        "with a validation column: whether the model has the weights of the best epoch",
        TypeConverters.toBoolean,
    )
    precision = _param(
        "precision",
        "in which the module computes; 'bfloat16' and 'float16' by torch.autocast",
        _one_of("float32", "bfloat16", "float16"),
    )
    max_grad_norm = _param("max_grad_norm", "gradients are clipped to; 0: not", _not_negative)
    find_unused_parameters = _param(
        "find_unused_parameters", "as of DistributedDataParallel", TypeConverters.toBoolean
    )
    checkpoint = _param(
        "checkpoint",
        "a folder or URI that all ranks reach, or a gang.Checkpoint: with "
        "gang_options={'max_restarts': n} a restarted training goes on from the last epoch",
    )
    checkpoint_every = _param("checkpoint_every", "epochs", _at_least(1))
    run_id = _param(
        "run_id",
        "a name for the checkpoints of one training, which a later fit with it goes on from",
        TypeConverters.toString,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            module=None,
            loss=None,
            optimizer=None,
            optimizer_params={},
            scheduler=None,
            scheduler_params={},
            scheduler_interval="epoch",
            epochs=1,
            batch_size=32,
            val_batch_size=0,
            shuffle=True,
            drop_last=False,
            seed=0,
            label_type="auto",
            handleInvalid="error",
            metrics={},
            monitor="val_loss",
            monitor_mode="min",
            patience=0,
            min_delta=0.0,
            restore_best=True,
            precision="float32",
            max_grad_norm=0.0,
            find_unused_parameters=False,
            checkpoint=None,
            checkpoint_every=1,
            run_id=None,
        )

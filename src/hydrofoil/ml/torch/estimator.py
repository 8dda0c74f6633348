"""``TorchEstimator``: what it checks, what it has ranks do, and the model of what comes back."""

import copy
import dataclasses
import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from hydrofoil.errors import UsageError
from hydrofoil.gang.checkpoint import Checkpoint
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.ml.base.columns import field_of, quoted, scalars
from hydrofoil.ml.base.estimator import GangEstimator, Training
from hydrofoil.ml.base.params import COLUMN_NAMES, set_by_keyword
from hydrofoil.ml.base.running import run_gang
from hydrofoil.ml.base.tensors import Columns, Kind, is_scalar, is_whole, tensor_column
from hydrofoil.ml.torch.model import Form, TorchModel
from hydrofoil.ml.torch.params import TorchTraining
from hydrofoil.ml.workers.of_torch.batches import LABEL, VALID, WEIGHT, Fed, name_of
from hydrofoil.ml.workers.of_torch.building import Rebuilt, weights
from hydrofoil.ml.workers.of_torch.losses import Outputs, outputs_of, takes_classes
from hydrofoil.ml.workers.of_torch.training import Task, Trained, train

# Keywords of ``horovod.spark.torch.TorchEstimator`` that mean the same.
_NAMES = {
    **COLUMN_NAMES,
    "model": "module",
    "num_proc": "num_workers",
    "random_seed": "seed",
    "feature_cols": "inputs",
    "label_cols": "labelCol",
    "sample_weight_col": "weightCol",
}
# Those that don't; with what to write instead.
_ELSEWHERE = {
    "backend": "num_workers",
    "callbacks": "gang_options={'on_progress': ...}, metrics and patience",
    "gradient_compression": "precision",
    "input_shapes": "the module's forward, which reshapes",
    "label_shapes": "the loss, which reshapes",
    "inmemory_cache_all": "nothing: rows are read from maps",
    "loss_constructors": "loss",
    "loss_weights": "loss: a function of all outputs",
    "partitions_per_process": "nothing: there are no files",
    "reader_pool_type": "nothing: there are no files",
    "store": "checkpoint, for what outlives a failure; rows need no store",
    "train_minibatch_fn": "loss; or gang.run",
    "train_reader_num_workers": "nothing: there are no files",
    "transformation_fn": "the module's forward, or Spark before",
    "use_gpu": "device='cuda'",
    "val_reader_num_workers": "nothing: there are no files",
    "validation": "validation_indicator_col: a boolean column that is true for such rows",
    "verbose": "gang_options={'progress': False}",
}


class TorchEstimator(GangEstimator, TorchTraining):
    """Fits a torch module: each rank computes the gradients of its rows, and all take their mean.

    A step with batches of b rows in n ranks is that of one process with all of these rows: the
    mean of the rows' losses, with their weights. See docs/estimators-torch.md.

    Parameters
    ----------
    module : torch.nn.Module or function
        It stays as it is; the model has a copy.
    loss : callable
        ``torch.nn.MSELoss()``, ``torch.nn.functional.cross_entropy``, or a function of output and
        labels that returns a number for each row, or one for all.
    optimizer : class or function
        Of the parameters, and ``optimizer_params``.
    **values
        See ``explainParams()``. Columns are called as in ``pyspark.ml`` (``featuresCol``) or with
        underscores (``features_col``); `horovod.spark.torch`'s names are known.

    Raises
    ------
    UsageError
        There is no such parameter, or its value can't be.
    """

    def __init__(
        self, module: Any = None, loss: Any = None, optimizer: Any = None, **values: Any
    ) -> None:
        super().__init__()
        self.setParams(module=module, loss=loss, optimizer=optimizer, **values)

    def setParams(self, **values: Any) -> "TorchEstimator":
        """Set parameters by keyword; those that are None are left as they are."""
        for name in _ELSEWHERE.keys() & values.keys():
            raise UsageError(f"TorchEstimator takes no {name}=", hint=f"use {_ELSEWHERE[name]}")
        labels = values.get("label_cols")
        if isinstance(labels, list | tuple) and len(labels) == 1:
            values["label_cols"] = labels[0]
        twice = [name for name in _NAMES if name in values and _NAMES[name] in values]
        for name in twice:
            if values[name] is not None and values[_NAMES[name]] is not None:
                raise UsageError(f"{name}= and {_NAMES[name]}= are the same", hint="pass one")
            if values[_NAMES[name]] is None:
                del values[_NAMES[name]]
        set_by_keyword(self, values, _NAMES)
        return self

    def write(self) -> Any:
        """The writer; an optimizer that is of a module is written as how to make it again."""
        optimizer, module = self.named("optimizer"), self.named("module")
        if isinstance(optimizer, torch.optim.Optimizer) and isinstance(module, torch.nn.Module):
            saved = self.copy()
            saved._set(optimizer=Rebuilt(optimizer, module))
            return super(TorchEstimator, saved).write()
        return super().write()

    def training(self, dataset: Any) -> Training:
        """Not used: `_fit` selects columns of its own."""
        raise NotImplementedError

    def model(self, trained: Any) -> Any:
        """Not used, see `training`."""
        raise NotImplementedError

    def _fit(self, dataset: Any) -> TorchModel:
        module = self._checked_module()
        kinds = self._kinds(dataset, module)
        fed = Fed(
            tuple(zip(map(_shown, self.arguments()), kinds, strict=True)),
            self._label_kind(dataset, module),
            self.named("weightCol") is not None,
            self.named("validationIndicatorCol") is not None,
            self.named("handleInvalid") == "keep",
        )
        with self._checkpoint() as checkpoint:
            task = self._task(module, fed, checkpoint is not None)
            options = self.getOrDefault(self.gang_options)
            if checkpoint is not None:
                options = {**options, "checkpoint": checkpoint}
            result = run_gang(
                train,
                self._selected(dataset, fed),
                self.named("num_workers"),
                args={"task": task},
                gpus=self.gpus(),
                options=options,
                fills=fed.fill,
            )
        model = self._model(result[0], module, kinds)
        model._resetUid(self.uid)
        found: TorchModel = self._copyValues(model)
        return found

    # --- What is checked --------------------------------------------------------------------------

    def _checked_module(self) -> Any:
        """The module, on the CPU: what ranks begin with, if it isn't made there."""
        self.check_workers()
        for name in ("module", "loss", "optimizer"):
            value = self.named(name)
            if value is None:
                raise UsageError(
                    f"TorchEstimator has no {name}", hint="TorchEstimator(module, loss, optimizer)"
                )
            if not callable(value) and not isinstance(value, torch.optim.Optimizer):
                raise UsageError(f"{name}={value!r} can't be called")
        if isinstance(self.named("loss"), type):
            kind = self.named("loss").__name__
            raise UsageError(f"loss={kind} is a class", hint=f"write {kind}()")
        if self.named("validationIndicatorCol") is None and self.named("patience"):
            raise UsageError(
                "patience needs rows to validate on",
                hint="set validation_indicator_col to a boolean column that is true for them",
            )
        if self.named("run_id") is not None and self.named("checkpoint") is None:
            raise UsageError("run_id names checkpoints, and checkpoint= says where they are")
        module = self.named("module")
        if isinstance(module, type):
            raise UsageError(
                f"module={module.__name__} is a class", hint=f"write {module.__name__}(...)"
            )
        if not isinstance(module, torch.nn.Module):
            module = module()
            if not isinstance(module, torch.nn.Module):
                raise UsageError(f"module returned a {type(module).__name__}, no torch.nn.Module")
        tensors = [*module.parameters(), *module.buffers()]
        if any(tensor.device.type != "cpu" for tensor in tensors):
            module = copy.deepcopy(module).cpu()
        return module

    def _kinds(self, dataset: Any, module: Any) -> list[Kind]:
        floating = _floating(module)
        if self.named("inputs") is None:
            return [floating]
        return [
            "long" if is_whole(dataset, columns, "inputs") else floating
            for columns in self.arguments()
        ]

    def _label_kind(self, dataset: Any, module: Any) -> Kind:
        given = self.named("label_type")
        if given != "auto":
            return given  # type: ignore[no-any-return]
        loss, columns = self.named("loss"), self.getOrDefault(self.labelCol)
        floating = _floating(module)
        if takes_classes(loss):
            return "long" if is_scalar(dataset, columns, "label") else floating
        if outputs_of(loss) is not None:
            return floating
        return "long" if is_whole(dataset, columns, "label") else floating

    def _selected(self, dataset: Any, fed: Fed) -> Any:
        columns = [
            tensor_column(dataset, names, kind, what).alias(name_of(place))  # type: ignore[arg-type]
            for place, (names, (what, kind)) in enumerate(
                zip(self.arguments(), fed.inputs, strict=True)
            )
        ]
        labels: Columns = self.getOrDefault(self.labelCol)
        label = tensor_column(dataset, labels, fed.label, "label")  # type: ignore[arg-type]
        columns.append(label.alias(LABEL))
        return dataset.select(*columns, *self._roles(dataset))

    def _roles(self, dataset: Any) -> list[Any]:
        from pyspark.sql import functions

        found = []
        if (weight := self.named("weightCol")) is not None:
            [column], _ = scalars(dataset, [weight], True, "weight")
            found.append(column.cast("double").alias(WEIGHT))
        if (valid := self.named("validationIndicatorCol")) is not None:
            kind = field_of(dataset, valid, "validation indicator").dataType
            if type(kind).__name__ != "BooleanType":
                raise UsageError(
                    f"column {valid!r} is of type {kind.simpleString()}, and says which rows are "
                    "for validation",
                    hint=f"make it boolean: df.withColumn({valid!r}, col({valid!r}) == 1)",
                )
            found.append(functions.col(quoted(valid)).cast("byte").alias(VALID))
        return found

    # --- What ranks do ----------------------------------------------------------------------------

    def _task(self, module: Any, fed: Fed, checkpointed: bool) -> Task:
        given, optimizer = self.named("module"), self.named("optimizer")
        made_there = not isinstance(given, torch.nn.Module)
        if isinstance(optimizer, torch.optim.Optimizer):
            if made_there:
                raise UsageError(
                    "optimizer is of the parameters of another module: module is a function",
                    hint="pass its class, and optimizer_params",
                )
            optimizer = Rebuilt(optimizer, given)
        rebuilt = isinstance(optimizer, Rebuilt)
        if rebuilt and self.named("optimizer_params"):
            raise UsageError(
                "optimizer_params are for a class or function, and optimizer is made already",
                hint="set them where it is made",
            )
        named = {
            field.name: self.named(field.name)
            for field in dataclasses.fields(Task)
            if self.hasParam(field.name) and field.name not in ("module", "optimizer")
        }
        task = Task(
            module=given if made_there else module,
            makes_module=made_there,
            optimizer=optimizer,
            fed=fed,
            checkpointed=checkpointed,
            **named,
        )
        return dataclasses.replace(task, fingerprint=_fingerprint(task, module))

    @contextmanager
    def _checkpoint(self) -> Iterator[Checkpoint | None]:
        """Where this training keeps its checkpoints; without a ``run_id``, until it has ended."""
        given = self.named("checkpoint")
        if given is None:
            yield None
            return
        if not isinstance(given, Checkpoint):
            given = Checkpoint(str(given), keep=2)
        run_id = self.named("run_id")
        if run_id is not None and not re.fullmatch(r"[\w.-]*\w[\w.-]*", run_id):
            raise UsageError(f"run_id={run_id!r} has to be fit for the name of a folder")
        name = run_id or f"{self.uid}-{uuid.uuid4().hex[:8]}"
        uri = f"{given.uri.rstrip('/')}/{name}"
        try:
            yield dataclasses.replace(given, uri=uri, resume=run_id is not None)
        finally:
            if run_id is None:
                with suppress(Exception):  # What is left takes space, and harms nothing.
                    Folder.of(given.uri, given.filesystem).remove_folder(name)

    def _model(self, trained: Trained, module: Any, kinds: list[Kind]) -> TorchModel:
        own = copy.deepcopy(module)
        own.load_state_dict(weights(trained.state))
        own.eval()
        form = Form(
            list(kinds),
            self._outputs(trained.shape),
            None if trained.shape is None else list(trained.shape),
            _floating(own) == "double",
        )
        return TorchModel(own, form, trained.history, trained.best_epoch)

    def _outputs(self, shape: tuple[int, ...] | None) -> Outputs:
        wanted, by_loss = self.named("predicts"), outputs_of(self.named("loss"))
        if shape is None:
            return "numbers"
        one = shape in ((), (1,))
        if wanted == "numbers" or (wanted == "auto" and self.named("output_fn") is not None):
            return "numbers"
        if by_loss in ("logits", "log_probabilities") and len(shape) == 1 and not one:
            return by_loss
        if by_loss in ("logit", "probability") and one:
            return by_loss
        if wanted == "auto":
            return "numbers"
        if len(shape) > 1:
            raise UsageError(
                f"predicts='classes', and the module returns {shape} numbers a row",
                hint="output_fn= makes one for each class",
            )
        return "logit" if one else "logits"


def _shown(columns: Columns) -> str:
    return repr(columns) if isinstance(columns, str) else f"one of {', '.join(columns)}"


def _floating(module: Any) -> Kind:
    found = next((one.dtype for one in module.parameters() if one.dtype.is_floating_point), None)
    return "double" if found == torch.float64 else "float"


def _fingerprint(task: Task, module: Any) -> str:
    """Of what has to be the same for a training to go on: not how long it is, nor its ranks."""
    tensors = [
        (name, tuple(value.shape) if not torch.nn.parameter.is_lazy(value) else None)
        for name, value in module.state_dict().items()
        if isinstance(value, torch.Tensor)
    ]
    plain = (task.batch_size, task.shuffle, task.seed, task.precision, task.fed, task.monitor)
    kinds = (_name(task.loss), _name(task.optimizer), _name(task.scheduler))
    return hashlib.sha256(repr((tensors, plain, kinds)).encode()).hexdigest()


def _name(value: Any) -> str:
    return str(getattr(value, "__qualname__", type(value).__qualname__))

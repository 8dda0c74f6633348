"""``TorchModel``: a trained module that predicts."""

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.model import GangModel, predicted
from hydrofoil.ml.base.tensors import tensor_column
from hydrofoil.ml.torch.params import TorchColumns
from hydrofoil.ml.workers.of_torch import building
from hydrofoil.ml.workers.of_torch.predicting import Load, Predict
from hydrofoil.predictors.sent import Sent

_FIELDS = {"raw": "array<double>", "probability": "array<double>", "prediction": "double"}


@dataclass
class Form:
    """What goes in and comes out.

    Attributes
    ----------
    kinds : list of str
        Of each of the module's arguments: ``float``, ``double`` or ``long``.
    outputs : str
        See `losses.Outputs`.
    shape : list of int, optional
        Of one row's output; None if it is no tensor.
    double : bool
        Whether the module computes in double precision.
    """

    kinds: list[str]
    outputs: str
    shape: list[int] | None
    double: bool


class TorchModel(GangModel, TorchColumns):
    """What `TorchEstimator.fit` returns.

    Attributes
    ----------
    module : torch.nn.Module
        With the weights that were trained, on the CPU, in evaluation mode.
    history : list of dict
        Of each epoch: ``epoch``, ``lr``, ``loss``, and with a validation column ``val_loss``; and
        metrics.
    best_epoch : int
        The epoch whose weights it has.
    """

    def __init__(
        self,
        module: Any = None,
        form: Form | None = None,
        history: list[dict[str, Any]] | None = None,
        best_epoch: int = -1,
    ) -> None:
        super().__init__()
        self.module = module
        self.form = form
        self.history = history or []
        self.best_epoch = best_epoch

    def getModel(self) -> Any:
        """`module`, as Horovod calls it."""
        return self.module

    def getHistory(self) -> list[dict[str, Any]]:
        """`history`, as Horovod calls it."""
        return self.history

    def parts(self) -> dict[str, bytes]:
        pickled, state = building.dumps(self.module)
        assert self.form is not None
        summary = {
            "form": dataclasses.asdict(self.form),
            "history": self.history,
            "best_epoch": self.best_epoch,
        }
        return {"module": pickled, "state": state, "summary": json.dumps(summary).encode()}

    def put_together(self, parts: dict[str, bytes]) -> None:
        self.module = building.loads(parts["module"], parts["state"])
        summary = json.loads(parts["summary"])
        self.form = Form(**summary["form"])
        self.history, self.best_epoch = summary["history"], summary["best_epoch"]

    @staticmethod
    def load_weights(path: str) -> dict[str, Any]:
        """The ``state_dict`` of a saved model. Nothing of what is there is run.

        Parameters
        ----------
        path : str
            What it was saved under.

        Raises
        ------
        UsageError
            No such model is there.
        """
        from pyspark.sql import SparkSession

        spark = SparkSession.active()
        frame = spark.read.parquet(f"{path.rstrip('/')}/parts").where("name = 'state'")
        rows = sorted(frame.collect(), key=lambda row: int(row["place"]))
        if not rows:
            raise UsageError(f"{path} has no TorchModel")
        found: dict[str, Any] = building.weights(b"".join(bytes(row["data"]) for row in rows))
        return found

    def _transform(self, dataset: Any) -> Any:
        if self.module is None or self.form is None:
            raise UsageError("this TorchModel has no module", hint="fit an estimator, or load one")
        columns, widths = self._columns(dataset)
        types, outputs = self._outputs()
        spark = dataset.sparkSession
        device = self.device_of_tasks(spark)
        pickled, state = building.dumps(self.module)
        return predicted(
            dataset,
            columns,
            Load(Sent(spark, pickled), Sent(spark, state), device),
            Predict(
                self.form.kinds, widths, self.form.outputs, list(types), self.named("output_fn")
            ),
            types,
            outputs,
            batch_size=self.getOrDefault(self.predict_batch_size),
            device=device,
        )

    def _columns(self, dataset: Any) -> tuple[list[Any], list[int]]:
        """The columns, and how many each of the module's arguments is made of; 0: it is one."""
        assert self.form is not None
        if self.named("inputs") is None:
            found, is_array = self.feature_columns(dataset, self.form.double)
            return found, [0 if is_array else len(found)]
        columns: list[Any] = []
        widths = []
        for names, kind in zip(self.arguments(), self.form.kinds, strict=True):
            several = [names] if isinstance(names, str) else names
            columns += [
                tensor_column(dataset, name, kind, "inputs")  # type: ignore[arg-type]
                for name in several
            ]
            widths.append(0 if isinstance(names, str) else len(several))
        return columns, widths

    def _outputs(self) -> tuple[dict[str, str], dict[str, Callable[[Any], Any]]]:
        """The fields' types, and the columns that are made of them."""
        from pyspark.ml.functions import array_to_vector

        assert self.form is not None
        if self.form.shape is None:
            raise UsageError(
                "the module returns no tensor, so nothing can be predicted with it",
                hint="output_fn= makes a tensor of it, such as lambda output: output[0]; set it "
                "before fit",
            )
        name = self.named("predictionCol")
        if self.form.outputs == "numbers":
            if not name:
                return {}, {}
            if math.prod(self.form.shape) == 1:
                return {"prediction": "double"}, {name: lambda fields: fields["prediction"]}
            if self.named("output_type") == "vector":
                made = {name: lambda fields: array_to_vector(fields["prediction"])}
                return {"prediction": "array<double>"}, made
            kind = "double" if self.form.double else "float"
            return {"prediction": f"array<{kind}>"}, {name: lambda fields: fields["prediction"]}
        outputs: dict[str, Callable[[Any], Any]] = {}
        types = {}
        if raw := self.named("rawPredictionCol"):
            types["raw"] = _FIELDS["raw"]
            outputs[raw] = lambda fields: array_to_vector(fields["raw"])
        if probability := self.named("probabilityCol"):
            types["probability"] = _FIELDS["probability"]
            outputs[probability] = lambda fields: array_to_vector(fields["probability"])
        if name:
            types["prediction"] = _FIELDS["prediction"]
            outputs[name] = lambda fields: fields["prediction"]
        return types, outputs

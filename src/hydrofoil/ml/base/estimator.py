"""What fits: columns chosen, a gang run in its turn, a model made of what rank 0 returned."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.ml import Estimator

from hydrofoil.ml.base.columns import Asked, selected
from hydrofoil.ml.base.params import GangParams
from hydrofoil.ml.base.running import run_gang
from hydrofoil.ml.base.saving import Saved


@dataclass(frozen=True)
class Training:
    """What a gang does for one fit.

    Parameters
    ----------
    columns : Asked
        What ranks are fed with.
    train : callable
        Of a module that executors have, and that imports no ``pyspark.ml``; gets the context and
        ``args``. What it returns in rank 0 makes the model.
    args : mapping
    workers : int, optional
        Ranks; as many as there are slots, unless given.
    gpus : int
        GPUs a rank.
    balance, allow_empty
        As of `gang.run`.
    as_it_is : bool
        Whether partitions of the DataFrame's own, if they are even, need no shuffle.
    """

    columns: Asked
    train: Callable[..., Any]
    args: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    gpus: int = 0
    balance: str = "rows"
    allow_empty: bool = False
    as_it_is: bool = False


class GangEstimator(Estimator[Any], GangParams, Saved):
    """Fits in a gang. Subclasses say what is trained (`training`) and make the model (`model`)."""

    def __init__(self) -> None:
        super().__init__()

    @abstractmethod
    def training(self, dataset: Any) -> Training:
        """What to run for this DataFrame; raises `UsageError` for parameters that can't be."""
        raise NotImplementedError

    @abstractmethod
    def model(self, trained: Any) -> Any:
        """The model of what rank 0 returned. Its parameters and uid are set afterwards."""
        raise NotImplementedError

    def _fit(self, dataset: Any) -> Any:
        training = self.training(dataset)
        result = run_gang(
            training.train,
            selected(dataset, training.columns),
            training.workers,
            args=training.args,
            gpus=training.gpus,
            balance=training.balance,
            allow_empty=training.allow_empty,
            as_it_is=training.as_it_is,
            options=self.getOrDefault(self.gang_options),
        )
        model = self.model(result[0])
        model._resetUid(self.uid)
        return self._copyValues(model)

"""What transforms: the features to a model's predictions, through `hydrofoil.batch_udf`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.ml import Model

from hydrofoil.decorators.batch import batch_udf
from hydrofoil.ml.base.columns import features, margin, scalars
from hydrofoil.ml.base.params import GangParams
from hydrofoil.ml.base.saving import Saved

_BATCH = 4096  # Rows.
# A name that no column has.
_FIELDS = "__hydrofoil_predicted"


class GangModel(Model, GangParams, Saved):
    """Predicts. Subclasses have `_transform`, which calls `predicted`."""

    def feature_columns(self, dataset: Any, exact: bool = False) -> tuple[list[Any], bool]:
        """The columns to predict from, and whether it is one of arrays.

        Several columns of numbers are passed on as they are. If they are not there but a column
        ``features`` is, as a model may be used behind a VectorAssembler, that is taken.
        """
        names: str | Sequence[str] = self.getOrDefault(self.featuresCol)
        if not isinstance(names, str):
            if set(names) <= set(dataset.columns) or "features" not in dataset.columns:
                return scalars(dataset, names, exact)[0], False
            names = "features"
        return [features(dataset, names, exact)], True

    def margin_column(self, dataset: Any, name: str | None) -> list[Any]:
        """The column that predictions start from, if there is one."""
        return [] if name is None else [margin(dataset, name)]


def predicted(
    dataset: Any,
    columns: Sequence[Any],
    load: Callable[[], Any],
    predict: Callable[..., Any],
    types: Mapping[str, str],
    outputs: Mapping[str, Callable[[Any], Any]],
    *,
    batch_size: int = _BATCH,
    device: str | None = None,
) -> Any:
    """Add columns with a model's predictions.

    Parameters
    ----------
    dataset : DataFrame
    columns : sequence of Column
        Numbers arrive as arrays of one dimension, arrays as such of two; null is NaN.
    load : callable
        Returns the model, in a process that runs it.
    predict : callable
        ``predict(model, *arrays)``: a dict with an array for each field.
    types : mapping of str to str
        The Spark type of each field, as DDL.
    outputs : mapping of str to callable
        By the name of a column to add: makes it of the struct of the fields.
    batch_size : int
        Rows.
    device : {"cuda"}, optional
        As of `hydrofoil.batch_udf`.

    Returns
    -------
    DataFrame
        Columns of the outputs' names are replaced, as `withColumn` does.
    """
    from pyspark.sql import functions

    if not outputs:
        return dataset
    call = batch_udf(
        load=load,
        return_type=", ".join(f"`{name}` {kind}" for name, kind in types.items()),
        batch_size=batch_size,
        device=device,
        share=None if device is None else "host",
    )(predict)
    with_fields = dataset.withColumn(_FIELDS, call(*columns))
    fields = functions.col(_FIELDS)
    made = {name: make(fields) for name, make in outputs.items()}
    return with_fields.withColumns(made).drop(_FIELDS)

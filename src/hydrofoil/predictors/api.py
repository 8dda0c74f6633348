"""`hydrofoil.inference`: a DataFrame with a model's predictions, in one line."""

import os
from collections.abc import Sequence
from typing import Any

from hydrofoil.decorators.batch import batch_udf
from hydrofoil.decorators.shared import Share
from hydrofoil.decorators.spark_types import as_spark_type
from hydrofoil.errors import UsageError
from hydrofoil.predictors.adapter import Adapter
from hydrofoil.predictors.features import columns_of
from hydrofoil.predictors.predict import Predict
from hydrofoil.predictors.sent import load_of
from hydrofoil.predictors.table import adapter_of


def inference(
    df: Any,
    model: Any,
    features: Any = None,
    *,
    output: str = "prediction",
    method: str | Sequence[str] | None = None,
    return_type: Any = None,
    batch_size: int = 1024,
    share: Share | None = None,
    device: str | None = None,
    **sharing: Any,
) -> Any:
    """Add a model's predictions to a DataFrame.

    Parameters
    ----------
    df : DataFrame
    model : object, str or path
        Of scikit-learn, XGBoost, LightGBM or torch, or an ``onnx.ModelProto``; or the path of its
        file, by whose end the library is known: ``.onnx``, ``.ubj``, ``.json``, ``.txt``
        (LightGBM), ``.pt``, ``.pt2``, ``.joblib``, ``.pkl``. A file here is sent to the executors.
    features : str, Column, or list of them, optional
        Numbers, booleans, arrays of them, or vectors of Spark ML; nulls are NaN. By default what
        the model itself names, or the only column. Models of torch and ONNX take each array as an
        input of its own, and all numbers together as one; all others take one matrix.
    output : str
        The column to add.
    method : str or list of str, optional
        What to call: "predict" by default, or "predict_proba", "transform" and the like. For ONNX
        the name of an output, the first by default; for torch "forward". Of several the result is
        a struct with a field for each.
    return_type : DataType, DDL string or type hint, optional
        By default what the model says: the type of its labels, or numbers, or arrays of them; for
        torch array<float>.
    batch_size : int
        Rows.
    share, device, **sharing
        As for `batch_udf`: with ``share="host"`` all workers of a host share the model.

    Returns
    -------
    DataFrame

    Raises
    ------
    UsageError
        The model is of no library that is known, or is not installed here where its result's type
        is wanted of it; a column can be no feature; or as for `batch_udf`.
    """
    if isinstance(model, str | os.PathLike):
        model = os.path.expanduser(model)
    adapter = adapter_of(model)
    if device is not None and not adapter.takes_device:
        raise UsageError(
            f"device={device!r}, and models of {adapter.name} compute on the CPU alone",
            hint="leave it out",
        )
    methods = [method or adapter.default] if isinstance(method, str | None) else list(method)
    here = _here(adapter, model)
    types = _types(adapter, here, methods, return_type, model)
    names = None if here is None else adapter.features(here)
    text = here is None or adapter.takes_text(here)
    columns, called = columns_of(df, features, names, text)
    several = not isinstance(method, str | None)
    fields = {name if several else "": (name, "array" in kind) for name, kind in types.items()}
    result = return_type
    if result is None:
        result = (
            ", ".join(f"`{name}` {kind}" for name, kind in types.items())
            if several
            else next(iter(types.values()))
        )
    load = load_of(df.sparkSession, adapter, model, device)
    call = batch_udf(
        load=load,
        return_type=result,
        batch_size=batch_size,
        share=share,
        device=device,
        **sharing,
    )(Predict(adapter.name, called, fields))
    return df.withColumn(output, call(*columns))


def _here(adapter: Adapter, model: Any) -> Any:
    """The model in this process, to ask it for names and types; None where its file is not here."""
    if not isinstance(model, str | os.PathLike):
        return model
    if not os.path.exists(model):
        return None
    try:
        return adapter.read(str(os.fspath(model)))
    except ModuleNotFoundError:
        return None


def _types(
    adapter: Adapter, here: Any, methods: list[str], declared: Any, model: Any
) -> dict[str, str]:
    """By method, the Spark type of what it returns."""
    if declared is not None:
        kind = as_spark_type(declared, "return_type")
        fields = getattr(kind, "fields", None)
        if len(methods) > 1 and fields is not None:
            kinds = [field.dataType.simpleString() for field in fields]
            return dict(zip(methods, kinds, strict=True))
        return {methods[0]: kind.simpleString()}
    if here is None:
        raise UsageError(
            f"{model} can't be read here, so nothing says which type its predictions have",
            hint='write return_type="double", or "array<float>"; or install '
            f"{adapter.package} where the driver runs",
        )
    for method in methods:
        adapter.check_method(here, method)
    return {method: adapter.result_type(here, method) for method in methods}

"""What `hydrofoil.inference` has to know of a library's models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError


class Adapter:
    """A library's models; those that differ in something say so.

    Attributes
    ----------
    name : str
        For messages.
    package : str
        What to install.
    modules : tuple of str
        The packages that classes of its models are from.
    suffixes : tuple of str
        Of the files that it reads.
    default : str
        The method, or the output, that is used where none is named; empty is the first.
    one_matrix : bool
        It takes all features as one array of two dimensions. Otherwise each array is one of its
        own, and numbers are put together.
    takes_device : bool
        Whether it can compute on a GPU.
    """

    name = ""
    package = ""
    modules: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    default = "predict"
    one_matrix = True
    takes_device = False

    def is_of(self, model: Any) -> bool:
        """Whether a model is this library's."""
        return any(c.__module__.partition(".")[0] in self.modules for c in type(model).__mro__)

    def read(self, path: str) -> Any:
        """The model of a file."""
        raise NotImplementedError

    def dumps(self, model: Any) -> bytes:
        """A model as bytes. Classes of the program itself go with it."""
        from pyspark import cloudpickle

        data: bytes = cloudpickle.dumps(model)  # type: ignore[no-untyped-call]
        return data

    def loads(self, data: bytes) -> Any:
        import pickle

        return pickle.loads(data)

    def prepared(self, model: Any, device: str | None) -> Any:
        """The model as it is used, in the process that does."""
        return model

    def features(self, model: Any) -> list[str] | None:
        """The names of its features; None where it has none."""
        return None

    def takes_text(self, model: Any) -> bool:
        """Whether columns of strings can be features."""
        return False

    def result_type(self, model: Any, method: str) -> str:
        """The Spark type of what a method returns, as DDL."""
        raise NotImplementedError

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        """What a method returns for arrays.

        Parameters
        ----------
        model : object
            As `prepared` returned it.
        inputs : list of numpy.ndarray
            One of two dimensions; or as many as there are, see ``one_matrix``.
        names : sequence of str
            Of the features.
        """
        return getattr(model, method)(inputs[0])

    def check_method(self, model: Any, method: str) -> None:
        """Raise `UsageError` if a model has no such method or output."""
        if not callable(getattr(model, method, None)):
            raise UsageError(
                f"method={method!r}, and {type(model).__name__} has none of that name",
                hint=f"leave it out for {self.default!r}",
            )


def with_names(model: Any, matrix: Any, names: Sequence[str]) -> Any:
    """A matrix as the data frame that a model looks for which was trained on one."""
    known = names_in(model)
    if known is None:
        return matrix
    import pandas as pd

    return pd.DataFrame(matrix, columns=list(names) if set(names) == set(known) else known)


def names_in(model: Any) -> list[str] | None:
    """The names of the features that a model in scikit-learn's manner was trained on, if it has."""
    found = getattr(model, "feature_names_in_", None)
    return None if found is None else [str(name) for name in found]


def type_of_labels(classes: Any) -> str:
    """The Spark type of a classifier's labels."""
    if isinstance(classes, list):  # Several outputs.
        return f"array<{type_of_labels(classes[0])}>"
    kind = np.asarray(classes).dtype.kind
    return {"i": "long", "u": "long", "f": "double", "b": "boolean"}.get(kind, "string")


def methods_type(model: Any, method: str, number: str) -> str:
    """The Spark type of what a method in scikit-learn's manner returns.

    Parameters
    ----------
    number : str
        The Spark type of its numbers.
    """
    classes = getattr(model, "classes_", None)
    if method == "predict":
        if classes is not None:
            return type_of_labels(classes)
        if getattr(model, "_estimator_type", "") in ("clusterer", "outlier_detector"):
            return "long"
        outputs = getattr(model, "n_outputs_", 1)
        return number if outputs == 1 else f"array<{number}>"
    if method == "decision_function":
        return number if classes is None or len(classes) == 2 else f"array<{number}>"
    return number if method == "score_samples" else f"array<{number}>"

"""What a loss says of each row, as far as it can; and what known losses expect and stand for."""

import copy
import functools
import inspect
from typing import Any, Literal

import numpy as np

from hydrofoil.errors import UsageError

# What outputs are: a number for each class, their logarithms of probabilities, one number for the
# second of two classes, its probability, or numbers as they are.
Outputs = Literal["logits", "log_probabilities", "logit", "probability", "numbers"]

_MODULES: dict[str, Outputs] = {
    "CrossEntropyLoss": "logits",
    "NLLLoss": "log_probabilities",
    "BCEWithLogitsLoss": "logit",
    "BCELoss": "probability",
    "MSELoss": "numbers",
    "L1Loss": "numbers",
    "SmoothL1Loss": "numbers",
    "HuberLoss": "numbers",
    "PoissonNLLLoss": "numbers",
}
_FUNCTIONS: dict[str, Outputs] = {
    "cross_entropy": "logits",
    "nll_loss": "log_probabilities",
    "binary_cross_entropy_with_logits": "logit",
    "binary_cross_entropy": "probability",
    "mse_loss": "numbers",
    "l1_loss": "numbers",
    "smooth_l1_loss": "numbers",
    "huber_loss": "numbers",
    "poisson_nll_loss": "numbers",
}


def outputs_of(loss: Any) -> Outputs | None:
    """What a loss takes the module's outputs for; None where it is none of torch's."""
    if isinstance(loss, functools.partial):
        return outputs_of(loss.func)
    if type(loss).__module__.startswith("torch.nn.modules.loss"):
        return _MODULES.get(type(loss).__name__)
    if getattr(loss, "__module__", "") == "torch.nn.functional":
        return _FUNCTIONS.get(loss.__name__)
    return None


def takes_classes(loss: Any) -> bool:
    """Whether a loss takes labels that are numbers of classes."""
    return outputs_of(loss) in ("logits", "log_probabilities")


class RowLoss:
    """A loss, asked for each row's.

    Torch's own are told to reduce nothing. Other functions may return a number for each row; if
    they return one for all, it is taken for the mean over the batch, and `whole` is true.

    Parameters
    ----------
    loss : callable
        Of outputs and labels.
    """

    def __init__(self, loss: Any) -> None:
        self.whole = False
        self._of_classes: Any = None
        self._ignored: int | None = None
        self._is_of_classes = takes_classes(loss)
        if self._is_of_classes:
            self._ignored = _setting(loss, "ignore_index", -100)
            self._of_classes = _setting(loss, "weight", None)
        reduction = _setting(loss, "reduction", None)
        self.adds_up = reduction == "sum"
        self._given = loss
        self._loss = loss if reduction is None else _with(loss, reduction="none")

    def to(self, device: Any) -> None:
        """Move what the loss has to a device."""
        if hasattr(self._loss, "to"):
            self._loss = self._loss.to(device)

    def row_weights(self, labels: Any, weights: Any) -> Any:
        """How much each row counts: not at all where the loss ignores its label.

        Parameters
        ----------
        labels : numpy.ndarray
            Of all rows.
        weights : numpy.ndarray or None

        Returns
        -------
        numpy.ndarray or None
            None: all the same.

        Raises
        ------
        UsageError
            There is a column of weights, and the loss has weights of classes in a way that does
            not come down to rows.
        """
        if self._of_classes is not None:
            by_row = labels.ndim == 1 and not _setting(self._given, "label_smoothing", 0.0)
            if by_row:
                self._loss = _with(self._loss, weight=None)
                of_classes = self._of_classes.detach().cpu().numpy()
                mine = of_classes[np.where(labels == self._ignored, 0, labels)].astype("float64")
                weights = mine if weights is None else mine * weights
            elif weights is not None:
                raise UsageError(
                    "the loss has weights of classes, which here can't go with weight_col",
                    hint="multiply them into weight_col, and leave them out of the loss",
                )
            else:
                self.whole, self._loss = True, self._given
        if self._ignored is None or labels.ndim > 1 or not (labels == self._ignored).any():
            return weights
        counts = (labels != self._ignored).astype("float64")
        return counts if weights is None else counts * weights

    def __call__(self, output: Any, label: Any) -> Any:
        """The loss of each row, or of all if `whole` is, or becomes, true."""
        value = self._loss(output if self._is_of_classes else aligned(output, label), label)
        if not hasattr(value, "dim"):
            raise UsageError(
                f"the loss returned a {type(value).__name__}, and no tensor",
                hint="return a tensor: a number for each row, or their mean",
            )
        if value.dim() == 0:
            self.whole = True
        if self.whole:
            return value
        if len(value) != len(label):
            raise UsageError(
                f"the loss returned a tensor of shape {tuple(value.shape)} for {len(label)} rows",
                hint="return a number for each row, or their mean",
            )
        if value.dtype.itemsize < 4:  # Sums of halves lose too much.
            value = value.float()
        return value.flatten(1).mean(1) if value.dim() > 1 else value


def aligned(output: Any, label: Any) -> Any:
    """Outputs of one column as one number a row, where labels are.

    A difference of the two would otherwise be one of each row with all others.
    """
    one_column = getattr(output, "ndim", 0) == 2 and output.shape[1] == 1
    return output.squeeze(1) if one_column and label.ndim == 1 else output


def _with(loss: Any, **settings: Any) -> Any:
    """The loss with other settings; the one that was given stays as it is."""
    if not isinstance(loss, functools.partial) and hasattr(loss, "reduction"):
        made = copy.deepcopy(loss)
        for name, value in settings.items():
            setattr(made, name, value)
        return made
    return functools.partial(loss, **settings)


def _setting(loss: Any, name: str, default: Any) -> Any:
    """What a loss has for an argument: a module's attribute, or what a function is called with."""
    if isinstance(loss, functools.partial):
        return loss.keywords.get(name, _setting(loss.func, name, default))
    if not inspect.isfunction(loss):
        return getattr(loss, name, default)
    found = inspect.signature(loss).parameters.get(name)
    return default if found is None or found.default is found.empty else found.default

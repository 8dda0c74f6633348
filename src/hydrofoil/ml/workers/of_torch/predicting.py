"""A trained module where it predicts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.ml.workers.of_torch.building import loads
from hydrofoil.ml.workers.rows import side_by_side
from hydrofoil.predictors.sent import Sent


class Load:
    """Loads a module where it predicts.

    Parameters
    ----------
    module, state : Sent
        See `building.dumps`.
    device : {"cuda"}, optional
    """

    def __init__(self, module: Sent, state: Sent, device: str | None) -> None:
        self.module, self.state = module, state
        self.device = device
        self.__name__ = "torch module"

    def __call__(self) -> Any:
        module = loads(self.module.read(), self.state.read())
        module.eval()
        return module if self.device is None else module.to(self.device)


class Predict:
    """A module's predictions for arrays.

    Parameters
    ----------
    kinds : sequence of str
        Of each of the module's arguments: ``float``, ``double`` or ``long``.
    widths : sequence of int
        How many arrays each is made of: 0 for one as it is, n for n side by side.
    outputs : str
        See `losses.Outputs`.
    fields : sequence of str
        Of ``prediction``, ``raw`` and ``probability``.
    output_fn : callable, optional
        What is made of the module's output first.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        widths: Sequence[int],
        outputs: str,
        fields: Sequence[str],
        output_fn: Any,
    ) -> None:
        self.kinds, self.widths = list(kinds), list(widths)
        self.outputs, self.fields = outputs, list(fields)
        self.output_fn = output_fn
        self.__name__ = "torch"

    def __call__(self, module: Any, *arrays: Any) -> Any:
        import torch

        parameter = next((p for p in module.parameters() if p.dtype.is_floating_point), None)
        rest = list(arrays)
        tensors = []
        for kind, width in zip(self.kinds, self.widths, strict=True):
            mine, rest = rest[: width or 1], rest[width or 1 :]
            if kind == "long":
                mine = list(map(_integers, mine))
            tensors.append(_tensor(torch, side_by_side(mine) if width else mine[0], parameter))
        with torch.inference_mode():
            output = module(*tensors)
            if self.output_fn is not None:
                output = self.output_fn(output)
            return self._fields(torch, output)

    def _fields(self, torch: Any, output: Any) -> dict[str, Any]:
        if not isinstance(output, torch.Tensor):
            raise UsageError(
                f"the module returned a {type(output).__name__}, and no tensor to predict with",
                hint="output_fn= makes a tensor of it, such as lambda output: output[0]",
            )
        output = output.cpu()
        if self.outputs == "numbers":
            if output.dtype not in (torch.float32, torch.float64):
                output = output.float() if output.is_floating_point() else output.double()
            flat = output.reshape(len(output), -1)
            return {"prediction": (flat[:, 0] if flat.shape[1] == 1 else flat).numpy()}
        raw, probability = _classes(torch, output.double(), self.outputs)
        found = {
            "raw": raw,
            "probability": probability,
            "prediction": probability.argmax(1).double(),
        }
        return {name: found[name].numpy() for name in self.fields}


def _integers(values: Any) -> Any:
    """A column of integers, which with nulls in it arrives as floating-point numbers."""
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise UsageError(
            f"a column of integers is null in {np.isnan(values).sum()} rows",
            hint="filter such rows out: df.dropna(subset=[...])",
        )
    return values.astype(np.int64, copy=False)


def _tensor(torch: Any, values: Any, parameter: Any) -> Any:
    if not (values.flags.writeable and values.flags.c_contiguous):
        values = values.copy()
    tensor = torch.from_numpy(values)
    if parameter is None:
        return tensor
    if tensor.is_floating_point():
        return tensor.to(parameter.device, parameter.dtype)
    return tensor.to(parameter.device)


def _classes(torch: Any, output: Any, outputs: str) -> tuple[Any, Any]:
    """What a classifier of ``pyspark.ml`` has: raw predictions and probabilities of each class."""
    if outputs == "logits":
        return output, output.softmax(1)
    if outputs == "log_probabilities":
        return output, output.exp()
    flat = output.reshape(len(output))
    if outputs == "logit":
        # Each of its own power: 1 - p lacks digits where p is close to 1.
        both = torch.stack([-flat, flat], 1)
        return both, both.sigmoid()
    both = torch.stack([1 - flat, flat], 1)
    return both, both

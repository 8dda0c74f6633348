"""Optimizers and schedulers made for a module; and a module as bytes, its weights apart."""

import inspect
import io
import pickle
from collections.abc import Mapping
from typing import Any

from hydrofoil.errors import UsageError


class Rebuilt:
    """An optimizer that the user has made, for a module that is pickled: made again over there.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    module : torch.nn.Module
        Whose parameters it has.

    Raises
    ------
    UsageError
        It has others.
    """

    def __init__(self, optimizer: Any, module: Any) -> None:
        places = {id(parameter): place for place, parameter in enumerate(module.parameters())}
        self._kind = type(optimizer)
        self._state = optimizer.state_dict()
        self._groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            mine = [places.get(id(parameter)) for parameter in group["params"]]
            if None in mine:
                raise UsageError(
                    f"the {self._kind.__name__} has parameters that the module does not have",
                    hint="make it of module.parameters(); or pass its class, and optimizer_params",
                )
            self._groups.append({**group, "params": mine})

    def __call__(self, module: Any) -> Any:
        parameters = list(module.parameters())
        groups = [
            {**group, "params": [parameters[place] for place in group["params"]]}
            for group in self._groups
        ]
        made = self._kind(groups)
        made.load_state_dict(self._state)
        return made


def made_optimizer(given: Any, options: Mapping[str, Any], module: Any) -> Any:
    """The optimizer for a module.

    Parameters
    ----------
    given : Rebuilt, class or function
        Gets the module's parameters; or the module, if its first parameter is called ``module``.
    options : mapping
        By keyword.

    Raises
    ------
    UsageError
        What it returns is no optimizer.
    """
    import torch

    wants_module = next(iter(_parameters(given)), "") == "module"
    made = given(module if wants_module else module.parameters(), **options)
    if not isinstance(made, torch.optim.Optimizer):
        raise UsageError(
            f"optimizer returned a {type(made).__name__}, and no torch.optim.Optimizer",
            hint="pass a class such as torch.optim.Adam, or a function of module.parameters()",
        )
    return made


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


# --- Modules as bytes -----------------------------------------------------------------------------


def dumps(module: Any) -> tuple[bytes, bytes]:
    """A module as what it is without its weights, and these.

    Returns
    -------
    (bytes, bytes)
        A pickle, by value where its class is the program's own; and what ``torch.save`` makes of
        its ``state_dict``, which can be loaded with ``weights_only=True``.
    """
    import torch
    from pyspark import cloudpickle

    state = module.state_dict()
    named = [*module.named_parameters(), *module.named_buffers()]
    known = {
        id(tensor): (name, isinstance(tensor, torch.nn.Parameter), tensor.requires_grad)
        for name, tensor in named
        if isinstance(state.get(name), torch.Tensor)
    }

    base: Any = cloudpickle.CloudPickler

    class Pickler(base):  # type: ignore[misc]
        def persistent_id(self, value: Any) -> Any:
            return known.get(id(value)) if isinstance(value, torch.Tensor) else None

    file = io.BytesIO()
    Pickler(file).dump(module)
    return file.getvalue(), saved({name: value for name, value in state.items()})


def saved(state: Any) -> bytes:
    """What ``torch.save`` writes."""
    import torch

    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def weights(data: bytes) -> Any:
    """A ``state_dict``, on the CPU. Of its bytes, nothing is run."""
    import torch

    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def loads(pickled: bytes, state: bytes) -> Any:
    """The module again. Its pickle can run anything: it has to be of people who may do so."""
    import torch

    tensors = weights(state)
    made: dict[str, Any] = {}

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, known: Any) -> Any:
            name, is_parameter, with_gradient = known
            if name not in made:
                tensor = tensors[name]
                made[name] = torch.nn.Parameter(tensor, with_gradient) if is_parameter else tensor
            return made[name]

    return Unpickler(io.BytesIO(pickled)).load()

"""Models of torch: modules, exported programs and what TorchScript has compiled."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.predictors.adapter import Adapter


class Torch(Adapter):
    name = "torch"
    package = "torch"
    modules = ("torch",)
    suffixes = (".pt", ".pth", ".pt2", ".ts")
    default = "forward"
    one_matrix = False
    takes_device = True

    def read(self, path: str) -> Any:
        import torch

        if path.endswith(".pt2"):
            return torch.export.load(path).module()
        try:
            return torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        except RuntimeError:
            # It is a pickle, then.
            model = torch.load(path, map_location="cpu", weights_only=False)
        if not isinstance(model, torch.nn.Module):
            raise UsageError(
                f"{path} has a {type(model).__name__} and no module",
                hint="pass the module itself, with that state loaded; or save it whole, as by "
                "torch.jit.script(module).save(path)",
            )
        return model

    def dumps(self, model: Any) -> bytes:
        import torch

        if isinstance(model, torch.jit.ScriptModule):
            file = io.BytesIO()
            torch.jit.save(model, file)
            return b"script" + file.getvalue()
        return b"pickle" + super().dumps(model)

    def loads(self, data: bytes) -> Any:
        import torch

        if data[:6] == b"script":
            file = io.BytesIO(data[6:])
            return torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
        return super().loads(data[6:])

    def prepared(self, model: Any, device: str | None) -> Any:
        # Exported programs are as they were exported.
        if hasattr(model, "eval") and not type(model).__module__.startswith("torch.fx"):
            model.eval()
        return model.to(device) if device is not None else model

    def result_type(self, model: Any, method: str) -> str:
        return "array<float>"

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        import torch

        parameter = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
        tensors = []
        for one in inputs:
            if one.dtype == np.float64 and (parameter is None or parameter.dtype == torch.float32):
                one = one.astype(np.float32)
            # A copy where it is read-only, for there are no read-only tensors.
            tensor = torch.from_numpy(one if one.flags.writeable else one.copy())
            tensors.append(tensor if parameter is None else tensor.to(parameter.device))
        with torch.inference_mode():
            return getattr(model, method)(*tensors) if method != "forward" else model(*tensors)

"""Models in ONNX's format, which ONNX Runtime runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.holders import threads
from hydrofoil.predictors.adapter import Adapter

_TYPES = {
    "tensor(float)": ("float", np.float32),
    "tensor(double)": ("double", np.float64),
    "tensor(float16)": ("float", np.float16),
    "tensor(int64)": ("long", np.int64),
    "tensor(int32)": ("int", np.int32),
    "tensor(bool)": ("boolean", np.bool_),
    "tensor(string)": ("string", np.object_),
}


class Onnx(Adapter):
    name = "ONNX"
    package = "onnxruntime"
    modules = ("onnx", "onnxruntime")
    suffixes = (".onnx", ".ort")
    default = ""
    one_matrix = False
    takes_device = True

    def read(self, path: str) -> Any:
        return path

    def dumps(self, model: Any) -> bytes:
        if not hasattr(model, "SerializeToString"):
            raise UsageError(
                f"a {type(model).__name__} can't be sent to workers", hint="pass its file's path"
            )
        return model.SerializeToString()  # type: ignore[no-any-return]

    def loads(self, data: bytes) -> Any:
        return data

    def prepared(self, model: Any, device: str | None) -> Any:
        import onnxruntime

        if isinstance(model, onnxruntime.InferenceSession):
            return model
        options = onnxruntime.SessionOptions()
        # Spark runs a task a core. With one thread it has no pool, which a fork would lose.
        options.intra_op_num_threads = threads.asked_for()
        options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        if device is not None:
            providers.insert(0, "CUDAExecutionProvider")
        if hasattr(model, "SerializeToString"):
            model = model.SerializeToString()
        return onnxruntime.InferenceSession(model, options, providers=providers)

    def features(self, model: Any) -> list[str] | None:
        names = [one.name for one in self.prepared(model, None).get_inputs()]
        return names if len(names) > 1 else None

    def takes_text(self, model: Any) -> bool:
        return any(one.type == "tensor(string)" for one in self.prepared(model, None).get_inputs())

    def result_type(self, model: Any, method: str) -> str:
        output = self._output(self.prepared(model, None), method)
        if output.type not in _TYPES:
            raise UsageError(
                f"the output {output.name!r} is a {output.type}, which is no column",
                hint="name another one by method=; for models of scikit-learn's, convert them with "
                "zipmap off",
            )
        name, _ = _TYPES[output.type]
        is_number = len(output.shape) <= 1 or (len(output.shape) == 2 and output.shape[1] == 1)
        return name if is_number else f"array<{name}>"

    def check_method(self, model: Any, method: str) -> None:
        self._output(self.prepared(model, None), method)

    def _output(self, session: Any, method: str) -> Any:
        outputs = session.get_outputs()
        found = [one for one in outputs if one.name == method or not method]
        if not found:
            names = ", ".join(repr(one.name) for one in outputs)
            raise UsageError(f"method={method!r}, and the model has the outputs {names}")
        return found[0]

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        wanted = model.get_inputs()
        if len(inputs) != len(wanted):
            raise ValueError(
                f"the model takes {len(wanted)} inputs ({', '.join(one.name for one in wanted)}) "
                f"and was given {len(inputs)}: an array column is one, all numbers are one"
            )
        fed = {}
        for one, array in zip(wanted, inputs, strict=True):
            dtype = _TYPES.get(one.type, ("", array.dtype))[1]
            if len(one.shape) == 1 and array.ndim == 2 and array.shape[1] == 1:
                array = array[:, 0]
            fed[one.name] = array.astype(dtype, copy=False)
        return model.run([method or model.get_outputs()[0].name], fed)[0]

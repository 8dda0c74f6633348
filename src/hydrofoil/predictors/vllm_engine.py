"""vLLM's offline engine for `hydrofoil.generate`: the extra ``hydrofoil[vllm]``.

It needs a GPU, and no machine of this project's tests has one: it has not been run.
"""

import os
from collections.abc import Sequence
from typing import Any


class VLLM:
    """Loads an engine.

    Parameters
    ----------
    model : str
        As ``vllm.LLM`` takes it: a name, or a folder on the executors.
    **engine
        Further arguments of ``vllm.LLM``.
    """

    def __init__(self, model: str, **engine: Any) -> None:
        self.model = model
        self.engine = engine
        self.__name__ = f"VLLM({model!r})"

    def __call__(self) -> "Loaded":
        # Its engine in a process of its own would not end with the one that holds the model.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        import vllm

        return Loaded(vllm.LLM(self.model, **{"enable_prefix_caching": True, **self.engine}))


class Loaded:
    """An engine that is loaded."""

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    def generate(self, prompts: list[str], **sampling: Any) -> Sequence[str]:
        """A text for each prompt; ``sampling`` are arguments of ``vllm.SamplingParams``."""
        import vllm

        outputs = self._llm.generate(prompts, vllm.SamplingParams(**sampling), use_tqdm=False)
        return [output.outputs[0].text for output in outputs]

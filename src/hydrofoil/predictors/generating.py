"""`hydrofoil.generate`: text by a language model's engine, for a column of prompts."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from hydrofoil.decorators.batch import batch_udf
from hydrofoil.decorators.shared import Share


class Engine(Protocol):
    """What runs a language model over many prompts."""

    def generate(self, prompts: list[str], **options: Any) -> Sequence[str | None]:
        """A text for each prompt, in their order."""


def generate(
    df: Any,
    prompts: Any,
    load: Callable[[], Engine],
    *,
    output: str = "text",
    batch_size: int = 256,
    share: Share | None = "host",
    device: str | None = None,
    options: dict[str, Any] | None = None,
    **sharing: Any,
) -> Any:
    """Add what a language model answers to a column of prompts.

    The engine gets prompts in the order of their letters, so that those with a common prefix come
    together and an engine that keeps prefixes computes each once. Answers go to the rows of their
    prompts, whatever the order.

    Parameters
    ----------
    df : DataFrame
    prompts : str or Column
        Strings. The answer to null is null, and nobody is asked.
    load : callable
        Returns the engine, which has a method ``generate(prompts, **options)``; such as
        `hydrofoil.predictors.vllm_engine.VLLM`.
    output : str
        The column to add.
    batch_size : int
        Prompts that the engine gets at once.
    share, device, **sharing
        As for `hydrofoil.batch_udf`.
    options : dict, optional
        Passed to the engine's ``generate``.

    Returns
    -------
    DataFrame

    Raises
    ------
    UsageError
        As `hydrofoil.batch_udf`.
    """
    call = batch_udf(
        load=load,
        return_type="string",
        batch_size=batch_size,
        share=share,
        device=device,
        **sharing,
    )(Generate(options or {}))
    return df.withColumn(output, call(prompts))


class Generate:
    """A function of an engine and an array of prompts; what is sent to workers."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.__name__ = "generate"

    def __call__(self, engine: Engine, prompts: Any) -> Any:
        order = by_prefix(prompts)
        found = np.full(len(prompts), None, dtype=object)
        if not order:  # Engines need not take a list of none.
            return found
        answers = list(engine.generate([prompts[i] for i in order], **self.options))
        if len(answers) != len(order):
            raise ValueError(f"the engine returned {len(answers)} texts for {len(order)} prompts")
        found[order] = answers
        return found


def by_prefix(prompts: Sequence[str | None]) -> list[int]:
    """The places of prompts that are not null, with common prefixes beside each other."""
    return sorted(
        (i for i, prompt in enumerate(prompts) if prompt is not None),
        key=lambda i: str(prompts[i]),
    )

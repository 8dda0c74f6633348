"""Batches as a framework's own loader."""

from collections.abc import Iterator, Sequence
from typing import Any

from hydrofoil.gang.data.batches import Batches


def torch_loader(
    batches: Batches, features: str | Sequence[str], label: str | None, pin_memory: bool
) -> Any:
    """A ``DataLoader`` over batches of ``data.torch``."""
    import torch
    from torch.utils.data import DataLoader, IterableDataset

    # IterableDataset is there once torch is imported, so its child can't be a class of this module.
    class Dataset(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            for batch in batches:
                if isinstance(features, str):
                    inputs = batch[features]
                else:
                    inputs = torch.stack([batch[name] for name in features], dim=1)
                yield inputs if label is None else (inputs, batch[label])

        def __len__(self) -> int:
            return len(batches)

        # The loader asks for one batch at a time, so what it was given was received.
        state = batches.state
        resume = batches.resume

    return DataLoader(Dataset(), batch_size=None, pin_memory=pin_memory)

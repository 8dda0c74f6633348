"""How many rows a rank goes through in an epoch, so that all ranks make as many steps.

A step is one batch. Collectives in a training loop hang when a rank makes a step more than others.
"""

from collections.abc import Sequence
from typing import Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang.errors import EmptyPartition

# Ranks that are named.
_SHOWN = 8

Steps = Literal["pad", "drop_last", "uneven"]


def epoch_rows(steps: Steps, counts: Sequence[int], rank: int, batch_size: int) -> int:
    """Rows that a rank sees in an epoch, those that it sees twice included.

    Parameters
    ----------
    steps : {"pad", "drop_last", "uneven"}
        As many as the largest rank has; as many whole batches as the smallest rank has; its own.
    counts : sequence of int
        Of all ranks.
    rank, batch_size : int

    Raises
    ------
    EmptyPartition
        With ``pad``, if this or another rank has nothing to repeat.
    """
    if steps == "uneven":
        return counts[rank]
    if steps == "drop_last":
        return min(counts) // batch_size * batch_size
    most = max(counts)
    empty = [rank for rank, count in enumerate(counts) if count == 0]
    if empty and most:
        raise EmptyPartition(
            f"ranks {empty} have no rows and can't be padded to {most}; all have {list(counts)}",
            hint='run fewer ranks, or balance="exact"; or steps="drop_last" or "uneven"',
            ranks=empty,
            counts=list(counts),
        )
    return most


def padding_of(counts: Sequence[int]) -> str:
    """What ``steps="pad"`` has ranks see again, in words; empty if nothing."""
    more = {rank: max(counts) - count for rank, count in enumerate(counts) if count < max(counts)}
    if not more:
        return ""
    shown = [f"rank {rank}: {rows}" for rank, rows in list(more.items())[:_SHOWN]]
    rest = f" and {len(more) - _SHOWN} more ranks" if len(more) > _SHOWN else ""
    return (
        f"rows that are seen again in each epoch, for equal steps: {', '.join(shown)}{rest}; sums "
        'over rows are off by them. steps="uneven" gives each row once'
    )


def number_of_steps(rows: int, batch_size: int) -> int:
    """Batches that so many rows make, the last of which may be smaller."""
    return -(-rows // batch_size)


def check_steps(steps: str) -> None:
    """Raise for anything that isn't a way to make steps."""
    if steps not in ("pad", "drop_last", "uneven"):
        raise UsageError(f"steps={steps!r} is not known", hint='use "pad", "drop_last" or "uneven"')

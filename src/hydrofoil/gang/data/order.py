"""Which rows come when: numbers drawn from (seed, epoch, rank) alone.

The first epoch may begin before the feed has ended, and so shuffles what has come so far; the same
way whether the feed is fast or slow. Later epochs shuffle all rows.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Rows of which the first epoch draws, in two halves.
BUFFER_ROWS = 65_536


def generator(seed: int, epoch: int, *more: int) -> np.random.Generator:
    """Random numbers for one epoch (of one rank, with its number in ``more``)."""
    return np.random.default_rng([seed, epoch, *more])


def permutation(random: np.random.Generator, rows: int) -> Any:
    """All rows, in random order."""
    dtype = np.uint32 if rows <= np.iinfo(np.uint32).max else np.int64
    order = np.arange(rows, dtype=dtype)
    random.shuffle(order)
    return order


def buffered(
    random: np.random.Generator, wait: Callable[[int], int], buffer_rows: int
) -> Iterator[Any]:
    """All rows in an order that needs only those that have come.

    Parameters
    ----------
    random : numpy.random.Generator
    wait : callable
        Waits until there are so many rows, or all; returns how many there are.
    buffer_rows : int
        Each piece is drawn from so many.

    Yields
    ------
    numpy.ndarray of int64
        Together, every row once.
    """
    half = max(buffer_rows // 2, 1)
    pool = np.empty(0, np.int64)
    taken = 0
    while True:
        wanted = taken + 2 * half - len(pool)
        # More may be there by now; what is drawn must not depend on it.
        until = min(wait(wanted), wanted)
        pool = np.concatenate([pool, np.arange(taken, until)])
        taken = until
        random.shuffle(pool)
        if until < wanted:
            yield pool
            return
        yield pool[:half]
        pool = pool[half:]


def padding(random: np.random.Generator | None, rows: int, more: int) -> Any:
    """Rows to see again: ``more`` of them, each as often as any other, or once more.

    In the order of rows without random numbers, else in random order.
    """
    if random is None:
        return np.arange(rows, rows + more) % rows
    whole = [permutation(random, rows) for _ in range(more // rows)]
    return np.concatenate([*whole, random.choice(rows, more % rows, replace=False)], dtype=np.int64)

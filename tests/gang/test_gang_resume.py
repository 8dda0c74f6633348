"""A run that goes on from a checkpoint sees what one without a break would have seen.

Here ranks are threads and feeds are made up; processes and Spark are in test_gang_resume_kills.py.
"""

import json
import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from gang_data_feeds import SCHEMA, Alone, gang, ids_of, opened, rows
from gang_threads import in_threads
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hydrofoil import gang as public
from hydrofoil.errors import UsageError
from hydrofoil.gang.checkpoint import Checkpoint, open_checkpointer
from hydrofoil.gang.context import Context
from hydrofoil.gang.data.canonical import Cut
from hydrofoil.gang.data.identity import POSITION, POSITION_BITS
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.reader import Data, open_feed
from hydrofoil.gang.seams import Spool

WITH_POSITION = SCHEMA.append(pa.field(POSITION, pa.int64()))
many = settings(deadline=None, max_examples=60, phases=[Phase.generate])
few = settings(deadline=None, max_examples=25)


# --- Feeds as Spark makes them --------------------------------------------------------------------


@dataclass(frozen=True)
class Upstream:
    """A DataFrame's partitions, which a shuffle deals over ranks as Spark's does.

    Each partition's rows are in an order that follows from them, as after Spark's own sort, and go
    to the ranks in turn. A rank gets them partition by partition, in an order of arrival that
    differs each time.
    """

    sizes: tuple[int, ...]

    @property
    def rows(self) -> int:
        return sum(self.sizes)

    def batches(self, rank: int, ranks: int, arrival: int) -> list[pa.RecordBatch]:
        [table] = rows(0, self.rows, max(self.rows, 1)) or [pa.record_batch([[]] * 4, SCHEMA)]
        found, first = [], 0
        for partition, size in enumerate(self.sizes):
            order = np.random.default_rng(partition).permutation(size)
            mine = order[np.arange(size) % ranks == (rank + partition) % ranks]
            if len(mine):
                taken = table.take(pa.array(mine + first))
                at = pa.array((partition << POSITION_BITS) + mine)
                found.append(pa.record_batch([*taken.columns, at], schema=WITH_POSITION))
            first += size
        shuffled = [found[n] for n in np.random.default_rng(arrival).permutation(len(found))]
        if not shuffled:
            return []
        # Batches don't end where partitions do.
        whole = pa.Table.from_batches(shuffled).combine_chunks()
        return whole.to_batches(max_chunksize=1 + arrival % 50)


def stable(upstream: Upstream, ranks: int, arrival: int, function: Any) -> list[Any]:
    """What ``function(data)`` returned or raised in each rank of a gang over such a feed."""

    def live(ctx: Context) -> Any:
        batches = upstream.batches(ctx.rank, ranks, arrival + ctx.rank)
        data = open_feed(iter(batches), WITH_POSITION, Spool(), ctx, None, "stable")
        try:
            result = function(data)
            ctx.barrier()
            return result
        finally:
            data.close()

    results = in_threads(ranks, live)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@dataclass(frozen=True)
class Training:
    """A recording consumer: the rows of each batch, until it is killed."""

    how: dict[str, Any]
    form: str = "numpy"
    state: Any = None
    killed_at: int | None = None

    def __call__(self, data: Data) -> tuple[list[list[int]], Any]:
        if self.state is not None:
            data.resume(self.state)
        seen: list[list[int]] = []
        state = data.state()
        for batch in self._batches(data):
            seen.append(batch)
            state = data.state()
            if len(seen) == self.killed_at:
                break
        return seen, pickle.loads(pickle.dumps(json.loads(json.dumps(state))))

    def _batches(self, data: Data) -> Iterator[list[int]]:
        if self.form == "loader":
            for values in data.loader("id", **self.how):
                yield values.tolist()
            return
        for batch in getattr(data, self.form)(["id"], **self.how):
            ids = batch.column("id") if self.form == "arrow" else batch["id"]
            yield ids.to_pylist() if self.form == "arrow" else ids.tolist()


def together(results: list[tuple[list[list[int]], Any]]) -> list[list[int]]:
    """The batches of all ranks as global batches."""
    steps = max(len(seen) for seen, _ in results)
    return [
        [one for seen, _ in results if step < len(seen) for one in seen[step]]
        for step in range(steps)
    ]


PARTITIONS = st.lists(st.integers(0, 60), min_size=1, max_size=6).filter(any).map(tuple)
FORMS = st.sampled_from(["numpy", "arrow", "torch", "pandas", "loader"])
STEPS = st.sampled_from(["pad", "drop_last", "uneven"])


@many
@given(
    sizes=PARTITIONS,
    ranks=st.sampled_from([1, 2, 3, 4]),
    change=st.sampled_from(["same", "half", "twice"]),
    size=st.integers(8, 70),
    epochs=st.integers(1, 3),
    shuffle=st.booleans(),
    steps=STEPS,
    form=FORMS,
    arrivals=st.tuples(*[st.integers(0, 10_000)] * 3),
    kill=st.floats(0, 1),
)
def test_global_batches_go_on_with_any_number_of_ranks(
    sizes: tuple[int, ...],
    ranks: int,
    change: str,
    size: int,
    epochs: int,
    shuffle: bool,
    steps: str,
    form: str,
    arrivals: tuple[int, int, int],
    kill: float,
) -> None:
    upstream = Upstream(sizes)
    how = {"global_batch_size": size, "epochs": epochs, "shuffle": shuffle, "steps": steps}
    training = Training(how, form)
    unbroken = together(stable(upstream, ranks, arrivals[0], training))
    cut = Cut(upstream.rows, size, ranks, steps)
    assert len(unbroken) == epochs * cut.batches
    check_epochs(unbroken, cut, epochs, upstream.rows)
    at = int(kill * len(unbroken))
    other = {"same": ranks, "half": max(ranks // 2, 1), "twice": 2 * ranks}[change]
    begun = stable(upstream, ranks, arrivals[1], replace(training, killed_at=at or None))
    before = together(begun)[:at]
    state = begun[0][1] if at else None
    after = together(stable(upstream, other, arrivals[2], replace(training, state=state)))
    assert before + after == unbroken


def check_epochs(batches: list[list[int]], cut: Cut, epochs: int, rows: int) -> None:
    for epoch in range(epochs):
        part = batches[epoch * cut.batches : (epoch + 1) * cut.batches]
        assert all(len(batch) == cut.batch for batch in part[:-1])
        counted = Counter(one for batch in part for one in batch)
        assert sum(counted.values()) == cut.places
        if cut.steps == "drop_last":
            assert set(counted.values()) <= {1} and set(counted) <= set(range(rows))
        else:
            assert set(counted) == set(range(rows))
            # What is seen again are the rows that the epoch began with.
            again = [one for batch in part for one in batch][rows:]
            assert again == ([one for batch in part for one in batch] * 2)[: len(again)]


@many
@given(
    sizes=PARTITIONS,
    ranks=st.sampled_from([1, 2, 3, 4]),
    size=st.integers(1, 40),
    epochs=st.integers(1, 3),
    shuffle=st.sampled_from([False, True, "global"]),
    steps=STEPS,
    form=FORMS,
    arrivals=st.tuples(*[st.integers(0, 10_000)] * 3),
    kill=st.floats(0, 1),
)
def test_each_rank_goes_on_with_its_own_rows(
    sizes: tuple[int, ...],
    ranks: int,
    size: int,
    epochs: int,
    shuffle: Any,
    steps: str,
    form: str,
    arrivals: tuple[int, int, int],
    kill: float,
) -> None:
    upstream = Upstream((*sizes, 4))  # So that no rank is without rows.
    how = {"batch_size": size, "epochs": epochs, "shuffle": shuffle, "steps": steps}
    training = Training(how, form)
    unbroken = stable(upstream, ranks, arrivals[0], training)
    at = int(kill * min(len(seen) for seen, _ in unbroken))
    begun = stable(upstream, ranks, arrivals[1], replace(training, killed_at=at or None))
    state = begun[0][1] if at else None
    after = stable(upstream, ranks, arrivals[2], replace(training, state=state))
    for (whole, _), (before, _), (rest, _) in zip(unbroken, begun, after, strict=True):
        assert before[:at] + rest == whole

"""A run that goes on from a checkpoint sees what one without a break would have seen.

Here ranks are threads and feeds are made up; processes and Spark are in test_gang_resume_kills.py.
"""

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from gang_data_feeds import SCHEMA, Alone, Gate, ids_of, opened, rows
from gang_threads import in_threads
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hydrofoil import gang as public
from hydrofoil.errors import UsageError
from hydrofoil.gang import rank as rank_module
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.checkpoint import Checkpoint, open_checkpointer
from hydrofoil.gang.context import Context
from hydrofoil.gang.data.canonical import Cut
from hydrofoil.gang.data.identity import POSITION, POSITION_BITS, UpstreamRows
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.reader import Data, open_feed
from hydrofoil.gang.data.spool import Storage
from hydrofoil.gang.rank import Feed, RankSpec
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
    first: int = 0

    @property
    def rows(self) -> int:
        return sum(self.sizes)

    def batches(self, rank: int, ranks: int, arrival: int) -> list[pa.RecordBatch]:
        [table] = rows(self.first, self.rows, max(self.rows, 1)) or [
            pa.record_batch([[]] * 4, SCHEMA)
        ]
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
            each = type(self.state) is list  # Of each rank its own.
            data.resume(self.state[data.rank] if each else self.state)
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
    states = [state for _, state in begun]
    # Ranks that make unequal numbers of steps are at places of their own.
    state = (states if steps == "uneven" else states[0]) if at else None
    after = stable(upstream, ranks, arrivals[2], replace(training, state=state))
    for (whole, _), (before, _), (rest, _) in zip(unbroken, begun, after, strict=True):
        assert before[:at] + rest == whole


# --- Feeds whose blocks come in any order ---------------------------------------------------------


@pytest.mark.parametrize("at", [(1, 3), (3, 1), (0, 2)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_ranks_that_stand_at_different_global_batches(at: tuple[int, int], shuffle: bool) -> None:
    """Each goes on with its own: who is further sends the rows that the other still has to see."""
    upstream = Upstream((30, 20))
    training = Training({"global_batch_size": 10, "epochs": 2, "shuffle": shuffle})
    whole = [seen for seen, _ in stable(upstream, 2, 1, training)]
    states = [
        stable(upstream, 2, 2, replace(training, killed_at=count))[rank][1] if count else None
        for rank, count in enumerate(at)
    ]
    gone_on = stable(upstream, 2, 3, replace(training, state=states))
    assert [seen for seen, _ in gone_on] == [
        seen[count:] for seen, count in zip(whole, at, strict=True)
    ]


@few
@given(
    sizes=PARTITIONS,
    ranks=st.integers(1, 3),
    size=st.sampled_from([None, 1, 7, 64]),
    shuffle=st.booleans(),
    arrivals=st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)),
)
def test_what_is_read_does_not_depend_on_arrival(
    sizes: tuple[int, ...],
    ranks: int,
    size: int | None,
    shuffle: bool,
    arrivals: tuple[int, int],
) -> None:
    """Columns of every kind, in every form, each of which reads the spool in its own way."""
    upstream = Upstream((*sizes, 3))

    def read(data: Data) -> list[Any]:
        how: dict[str, Any] = {"batch_size": size, "epochs": 2, "shuffle": shuffle, "seed": 3}
        found: list[Any] = [ids_of(batch) for batch in data.numpy(**how, epoch=0)]
        found += [batch.to_pylist() for batch in data.arrow(**how, epoch=0)]
        return found

    assert stable(upstream, ranks, arrivals[0], read) == stable(upstream, ranks, arrivals[1], read)


def test_lists_of_different_lengths_in_any_order() -> None:
    """Two blocks that come the wrong way round."""

    def block(partition: int, lists: list[list[int]]) -> pa.RecordBatch:
        at = [(partition << POSITION_BITS) + n for n in range(len(lists))]
        return pa.record_batch({"l": pa.array(lists, pa.list_(pa.int64())), POSITION: at})

    blocks = [block(0, [[1], [2, 2], []]), block(1, [[3, 3, 3], [4]])]
    seen = []
    for order in (blocks, blocks[::-1]):
        data = open_feed(iter(order), blocks[0].schema, Spool(), Alone, None, "stable")
        seen.append([batch.column("l").to_pylist() for batch in data.arrow(batch_size=4)])
        [batch] = data.numpy(["l"], ragged=["l"], shuffle=True, epoch=0)
        seen[-1].append((batch["l"].values.tolist(), batch["l"].offsets.tolist()))
        data.close()
    assert seen[0][:2] == [[[1], [2, 2], [], [3, 3, 3]], [[4]]]
    assert seen[0] == seen[1]


def test_rows_that_come_in_turn_are_given_while_others_come() -> None:
    def block(partition: int, rows: int) -> pa.RecordBatch:
        ids = np.arange(rows) + 100 * partition
        at = np.arange(rows) + (partition << POSITION_BITS)
        return pa.record_batch({"id": ids, POSITION: at})

    gate = Gate([block(0, 50), block(1, 50), block(3, 50), block(2, 50)])
    schema = gate.batches[0].schema
    data = open_feed(iter(gate), schema, Spool(), Alone, None, "stable")
    batches = iter(data.numpy(batch_size=40, steps="uneven"))
    gate.let(2)
    assert next(batches)["id"][0] == 0 and next(batches)["id"][0] == 40
    assert data.num_rows is None and data.state()["passes"][0]["batches"] == 2
    gate.let(3)
    rest = np.concatenate([batch["id"] for batch in batches])
    assert rest.tolist() == [*range(130, 150), *range(200, 250), *range(300, 350)]
    data.close()


# --- What a state holds, and when it is refused ---------------------------------------------------


def alone(count: int = 100, table: str | None = "t", **more: Any) -> Data:
    """``ctx.data`` of a gang of one, over a table's rows."""
    return open_feed(iter(rows(0, count, 30)), SCHEMA, Spool(), Alone, [count], table=table, **more)


def ids(batches: Any, count: int | None = None) -> list[list[int]]:
    return [ids_of(batch) for batch in islice(batches, count)]


def test_rows_out_of_turn_are_not_read_while_it_is_found_out_that_they_are() -> None:
    class Looked(UpstreamRows):
        """Somebody looks how far the order is known, just when further rows are taken over."""

        more: Any = None
        known: int | None = None

        @property
        def _final(self) -> int | None:
            found, more, self.more = self.known, self.more, None
            if more is not None:
                self.append(more)
            return found

        @_final.setter
        def _final(self, found: int | None) -> None:
            self.known = found

    identity = Looked(Storage(Spool(memory=True), 0, 0))
    partition = np.arange(3) + (0 << POSITION_BITS)
    identity.append(partition)
    identity.more = partition + (2 << POSITION_BITS)  # The one before is still to come.
    assert identity.final == 3
    identity.close()


def test_a_state_is_small_and_says_where_the_consumer_is() -> None:
    data = alone()
    batches = iter(data.numpy(batch_size=10, epochs=3, shuffle=True, seed=5, prefetch=4))
    before = ids(batches, 14)
    state = data.state()
    assert len(json.dumps(state)) < 500 and json.loads(json.dumps(state)) == state
    assert state["rows"] == [100] and state["next_epoch"] == 2
    [place] = state["passes"]
    assert (place["epoch"], place["batches"], place["left"]) == (1, 4, 1)  # Not those made ahead.
    rest = ids(batches)
    assert data.state()["passes"] == [] and data.state()["next_epoch"] == 3
    again = alone()
    again.resume(state)
    further = ids(again.numpy(batch_size=10, epochs=3, shuffle=True, seed=5))
    assert further == rest and len(before) + len(rest) == 30
    # And the numbers of epochs go on.
    [more] = ids(again.numpy(shuffle=True))
    [fourth] = ids(alone().numpy(shuffle=True, epoch=3))
    assert more == fourth


def test_a_pass_that_was_given_up_or_is_counted_by_the_program_is_not_gone_on_with() -> None:
    data = alone()
    for batch in data.numpy(batch_size=10):
        assert ids_of(batch)[0] == 0
        break
    del batch
    ids(data.numpy(batch_size=10, epoch=4), 3)
    counted = iter(data.numpy(batch_size=10, epoch=7))
    next(counted)
    state = data.state()
    assert state["passes"] == [] and state["next_epoch"] == 8
    again = alone()
    again.resume(state)
    assert ids(again.numpy(batch_size=10, epoch=7), 1) == [list(range(10))]


def test_the_training_is_gone_on_with_beside_other_passes() -> None:
    """An evaluation within, other columns, and a look at the data before."""

    def train(data: Data, state: Any = None) -> Iterator[tuple[list[int], Any]]:
        data.resume(state)
        list(data.numpy(["x"]))  # Its mean, say; each time anew.
        for number, batch in enumerate(data.numpy(batch_size=10, epochs=4, shuffle=True)):
            if number % 3 == 0:
                assert sum(len(one["x"]) for one in data.numpy(["x"], batch_size=40)) == 100
            yield ids_of(batch), data.state()

    whole = [seen for seen, _ in train(alone())]
    for killed in (1, 9, 10, 11, 25):
        begun = list(islice(train(alone()), killed))
        rest = [seen for seen, _ in train(alone(), begun[-1][1])]
        assert [seen for seen, _ in begun] + rest == whole


def test_passes_of_one_epoch_each_go_on_in_the_epoch_that_was_open() -> None:
    def train(data: Data, start: int, state: Any) -> Iterator[tuple[int, list[int], Any]]:
        data.resume(state)
        for epoch in range(start, 4):
            for batch in data.numpy(batch_size=30, shuffle=True):
                yield epoch, ids_of(batch), data.state()

    whole = [seen for _, seen, _ in train(alone(), 0, None)]
    for killed in range(1, len(whole)):
        begun = list(islice(train(alone(), 0, None), killed))
        epoch, _, state = begun[-1]
        rest = [seen for _, seen, _ in train(alone(), epoch, state)]
        assert [seen for _, seen, _ in begun] + rest == whole


def test_the_next_epoch_does_not_depend_on_evaluations() -> None:
    """A run that goes on may make fewer of them: what came after the checkpoint isn't known."""

    def train(data: Data, start: int, state: Any) -> Iterator[tuple[int, list[int], Any]]:
        data.resume(state)
        for epoch in range(start, 3):
            for number, batch in enumerate(data.numpy(batch_size=30, shuffle=True)):
                state = data.state()
                if number == 1 and epoch != start:  # After the checkpoint, and not made again.
                    list(data.numpy(["x"], batch_size=40))
                yield epoch, ids_of(batch), state
            state = data.state()  # And one between two epochs.
            list(data.numpy(batch_size=40))
        yield 3, [], state

    whole = [seen for _, seen, _ in train(alone(), 0, None)]
    assert len({tuple(seen) for seen in whole}) == len(whole)
    for killed in range(1, len(whole)):
        begun = list(islice(train(alone(), 0, None), killed))
        epoch, _, state = begun[-1]
        rest = [seen for _, seen, _ in train(alone(), epoch, state)]
        assert [seen for _, seen, _ in begun] + rest == whole


def state_of(data: Data, **how: Any) -> Any:
    batches = iter(data.numpy(**how))
    next(batches)
    return data.state()


def test_a_position_in_other_data_is_refused() -> None:
    how: dict[str, Any] = {"batch_size": 10, "shuffle": True}
    state = state_of(alone(), **how)
    for other, differs in [(alone(110), "rows: [100] there, [110] here"), (alone(100, "u"), "t ")]:
        other.resume(state)
        with pytest.raises(UsageError, match="different data") as raised:
            list(other.numpy(**how))
        assert differs in str(raised.value) and "resume(None)" in str(raised.value)
        other.resume(None)
        assert len(list(other.numpy(**how))) >= 10
    with pytest.raises(UsageError, match="version 7"):
        alone().resume({"version": 7})
    with pytest.raises(UsageError, match="a position lacks 'passes'"):
        alone().resume({"version": 1})
    with pytest.raises(UsageError, match="a position is a dict, and this is 3"):
        alone().resume(3)


def test_a_different_number_of_ranks_needs_global_batches() -> None:
    upstream = Upstream((40, 60))
    own = Training({"batch_size": 10}, killed_at=2)
    state = stable(upstream, 2, 0, own)[0][1]
    with pytest.raises(UsageError, match="world_size: 2 there, 3 here") as raised:
        stable(upstream, 3, 0, replace(own, state=state))
    assert "global_batch_size" in str(raised.value)


def test_rows_that_are_others_are_found_out_and_partitions_that_are_cut_anew_are_not() -> None:
    """A sorted DataFrame has the same rows in partitions that Spark draws anew each time."""
    everywhere = Training({"global_batch_size": 10}, killed_at=4)
    [(seen, state), _] = stable(Upstream((40, 60)), 2, 0, everywhere)
    go_on = replace(everywhere, state=state, killed_at=None)
    assert len(seen) == 4
    rest = together(stable(Upstream((50, 50)), 3, 5, go_on))
    assert [one for batch in rest for one in batch] == list(range(40, 100))
    with pytest.raises(UsageError, match=r"content: rows \w+ there, rows"):
        stable(Upstream((40, 60), 1000), 3, 0, go_on)
    # In the second epoch: in the first rows may come still, and what they are isn't known.
    own = Training({"batch_size": 10, "epochs": 2}, killed_at=7)
    state = stable(Upstream((40, 60)), 2, 0, own)[0][1]
    with pytest.raises(UsageError, match="layout: 2 partitions"):
        stable(Upstream((50, 50)), 2, 0, replace(own, state=state))


def test_a_pass_that_only_looks_like_the_one_to_go_on_with_is_told() -> None:
    state = state_of(alone(), batch_size=10)
    told: list[Any] = []
    other = alone()
    other._tell = told.append
    other.resume(state)
    assert len(ids(other.numpy(batch_size=20))) == 5
    assert len(told) == 1 and "batch_size=10 there and 20 here" in told[0]
    assert len(ids(other.numpy(batch_size=10))) == 9


@pytest.mark.parametrize("size", ["batch_size", "global_batch_size"])
def test_a_pass_without_a_batch_is_told(size: str) -> None:
    told: list[Any] = []
    data, empty = alone(), alone(0)
    data._log = empty._log = told.append
    how: dict[str, Any] = {size: 101, "steps": "drop_last"}
    assert ids(data.numpy(**how, epochs=2)) == ids(data.numpy(**how)) == []
    assert [text[:19] for text in told] == ["there is no batch: "]
    told.clear()
    assert ids(empty.numpy(**how)) == told == []


def test_global_batches_need_rows_with_an_identity() -> None:
    with opened(rows(0, 50, 10)) as data, pytest.raises(UsageError, match='order="stable"'):
        list(data.numpy(global_batch_size=10))
    both: dict[str, Any] = {"batch_size": 1, "global_batch_size": 2}
    for how, words in [(both, "two sizes"), ({"global_batch_size": 0}, "at least 1")]:
        with pytest.raises(UsageError, match=words):
            alone().numpy(**how)
    with pytest.raises(UsageError, match="two orders"):
        alone().numpy(global_batch_size=3, shuffle="global")
    with pytest.raises(UsageError, match="3 ranks"):
        stable(Upstream((40,)), 3, 0, Training({"global_batch_size": 2}))


def test_rows_in_order_of_arrival_are_gone_on_with_by_hand_and_told() -> None:
    how: dict[str, Any] = {"batch_size": 10}
    with opened(rows(0, 50, 10)) as data:
        state = state_of(data, **how)
    told: list[Any] = []
    with opened(rows(0, 50, 10)) as data:
        data._tell = told.append
        data.restored(state)
        assert len(ids(data.numpy(**how))) == 5  # As without a checkpoint.
        data.resume(state)
        assert len(ids(data.numpy(**how))) == 4
    assert len(told) == 1 and "order of their arrival" in told[0]


def test_orders_that_are_not_known_or_not_to_be_had() -> None:
    with pytest.raises(UsageError, match="order='best'"):
        public.run_locally(1, print, order="best")  # type: ignore[arg-type]

    class Strange:
        def pin(self) -> "Strange":
            return self

        def counts(self, world_size: int) -> None:
            """Not known."""

        def read(self, rank: int, world_size: int) -> Any:
            return SCHEMA, iter(rows(0, 10, 10))

    spec = RankSpec(("", 0), Secret(b""), "run", b"", source=Strange(), order="stable")
    with pytest.raises(UsageError, match="Strange doesn't say which rows"):
        rank_module._opened(Feed(*Strange().read(0, 1)), spec, Alone)  # type: ignore[arg-type]


# --- Checkpoints ----------------------------------------------------------------------------------


def test_a_checkpoint_holds_the_position_and_an_old_one_has_none(tmp_path: Path) -> None:
    conf = Checkpoint(str(tmp_path))

    def train(ctx: Context, kill: int | None, keeps: bool = True) -> Any:
        data = open_feed(
            iter(rows(0, 60, 30)), SCHEMA, Spool(), ctx, [60], order="stable", table="t"
        )
        told: list[str] = []
        data._tell = told.append
        checkpoint = open_checkpointer(conf, ctx, told.append, data if keeps else None)
        assert checkpoint.restore(default="nothing") in ("nothing", "state")
        seen = []
        for batch in data.numpy(batch_size=10, epochs=2, shuffle=True):
            seen.append(ids_of(batch))
            checkpoint.every(2, "state")
            if len(seen) == kill:
                break
        data.close()
        return seen, told

    [(whole, _)] = in_threads(1, lambda ctx: train(ctx, None), "whole")
    for path in tmp_path.iterdir():
        path.unlink()
    [(begun, _)] = in_threads(1, lambda ctx: train(ctx, 5), "begun")
    [(rest, told)] = in_threads(1, lambda ctx: train(ctx, None), "rest")
    assert begun[:4] + rest == whole and told == []
    [(_, _)] = in_threads(1, lambda ctx: train(ctx, 3, keeps=False), "older")
    [(rest, told)] = in_threads(1, lambda ctx: train(ctx, None), "newer")
    assert len(rest) == 12 and "has no position" in told[0]


# --- The order of all rows ------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 3, 97, 65_536, 65_537, 200_003])
def test_a_permutation_is_one_to_one_and_has_an_inverse(rows: int) -> None:
    numbers = np.arange(rows)
    orders = []
    for seed, epoch in [(0, 0), (0, 1), (1, 0), (2**70, 3)]:
        order = Permutation(rows, seed, epoch)
        places = order.places(numbers)
        np.testing.assert_array_equal(np.sort(places), numbers)
        np.testing.assert_array_equal(order.numbers(places), numbers)
        orders.append(places.tolist())
    assert rows < 97 or all(a != b for a, b in combinations(orders, 2))
    assert Permutation(rows, None).places(numbers) is numbers


def test_a_permutation_is_the_same_in_every_version() -> None:
    """Checkpoints rely on it: a change would go on elsewhere without a word."""
    assert Permutation(10, 1, 2).places(np.arange(10)).tolist() == FEW
    assert Permutation(100_000, 1, 2).places(np.arange(0, 100_000, 12_345)).tolist() == MANY
    # As far as no number of a large table repeats or shows where it came from.
    places = Permutation(10**12, 4).places(np.arange(50_000))
    assert len(np.unique(places)) == 50_000 and places.max() > 0.99e12
    assert abs(np.corrcoef(places[1:], places[:-1])[0, 1]) < 0.02
    counts = np.bincount(places // (10**12 // 16), minlength=16)
    assert abs(counts - 50_000 / 16).max() < 5 * (50_000 / 16) ** 0.5


FEW = [1, 8, 9, 3, 5, 0, 6, 2, 7, 4]
MANY = [47928, 52055, 99066, 29629, 27427, 4907, 70057, 62048, 4047]


def test_few_rows_come_in_every_order() -> None:
    orders = Counter(tuple(Permutation(4, seed).places(np.arange(4))) for seed in range(2400))
    assert len(orders) == 24 and min(orders.values()) > 50 and max(orders.values()) < 160

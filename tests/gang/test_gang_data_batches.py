"""Passes over a rank's rows: sizes, steps and orders, by themselves and between ranks."""

import contextlib
import os
import resource
import select
import socket
import threading
import time
from collections import Counter
from itertools import chain, islice

import numpy as np
import pyarrow as pa
import pytest
from gang_data_feeds import SCHEMA, Gate, gang, ids_of, opened, rows
from gang_threads import in_threads
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrofoil.errors import UsageError
from hydrofoil.gang.channel.proof import ANSWER, GREETING
from hydrofoil.gang.data import order
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.errors import EmptyPartition, PeerGone
from hydrofoil.gang.local import run_locally

few = settings(deadline=None, max_examples=25)


@few
@given(
    counts=st.lists(st.integers(1, 300), min_size=1, max_size=3),
    batch=st.integers(1, 120),
    size=st.integers(1, 400),
    steps=st.sampled_from(["pad", "drop_last", "uneven"]),
    shuffle=st.sampled_from([False, True, "global"]),
    epochs=st.integers(1, 3),
    known=st.booleans(),
)
def test_ranks_make_equal_steps_over_all_rows(
    counts: list[int],
    batch: int,
    size: int,
    steps: str,
    shuffle: object,
    epochs: int,
    known: bool,
) -> None:
    def train(data):
        passed = data.numpy(batch_size=size, steps=steps, shuffle=shuffle, epochs=epochs)
        seen = [ids_of(one) for one in passed]
        return len(passed), seen

    results = gang(counts, train, batch=batch, known=known)
    for result in results:
        assert not isinstance(result, BaseException), result
    for length, seen in results:
        assert length == len(seen)
    target = {"pad": [max(counts)] * len(counts), "uneven": counts}.get(
        steps, [min(counts) // size * size] * len(counts)
    )
    per_epoch = [-(-rows // size) for rows in target]
    for rank, (length, seen) in enumerate(results):
        assert length == epochs * per_epoch[rank]
        for epoch in range(epochs):
            part = seen[epoch * per_epoch[rank] : (epoch + 1) * per_epoch[rank]]
            sizes = [len(one) for one in part]
            assert sum(sizes) == target[rank]
            assert all(one == size for one in sizes[:-1])
    for epoch in range(epochs):
        everything = Counter(
            one
            for rank, (_, seen) in enumerate(results)
            for part in seen[epoch * per_epoch[rank] : (epoch + 1) * per_epoch[rank]]
            for one in part
        )
        assert set(everything) <= set(range(sum(counts)))
        if steps == "uneven":
            assert everything == Counter(range(sum(counts)))
        elif steps == "pad":
            assert set(everything) == set(range(sum(counts)))
        else:
            assert set(everything.values()) <= {1}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("counts", "steps", "lengths"),
    [
        ([1003, 2], "pad", [11, 11]),
        ([1003, 2], "drop_last", [0, 0]),
        ([1003, 2], "uneven", [11, 1]),
        ([0, 5], "drop_last", [0, 0]),
        ([0, 5], "uneven", [0, 1]),
        ([1, 1000], "pad", [10, 10]),
        ([1, 1000], "drop_last", [0, 0]),
        ([0, 0], "pad", [0, 0]),
        ([250, 300], "drop_last", [2, 2]),
    ],
)
def test_very_unequal_ranks(
    counts: list[int], steps: str, lengths: list[int], shuffle: bool, known: bool
) -> None:
    def train(data):
        return len(
            [ids_of(one) for one in data.numpy(batch_size=100, steps=steps, shuffle=shuffle)]
        )

    assert gang(counts, train, known=known) == lengths


def test_a_rank_without_rows_can_not_be_padded() -> None:
    results = gang([0, 5], lambda data: list(data.numpy(batch_size=2)))
    assert isinstance(results[0], EmptyPartition)
    assert "ranks [0] have no rows" in str(results[0])
    assert (results[0].ranks, results[0].counts) == ([0], [0, 5])
    # Where counts are known, the others say so too, instead of beginning.
    results = gang([0, 5], lambda data: list(data.numpy(batch_size=2)), known=True)
    assert [type(one) for one in results] == [EmptyPartition] * 2


def test_rows_come_while_the_feed_still_runs() -> None:
    gate = Gate(rows(0, 300, 50))
    with opened(gate, SCHEMA) as data:
        passed = iter(data.numpy(batch_size=40))
        gate.let(1)
        assert ids_of(next(passed)) == list(range(40))
        assert data.num_rows is None
        gate.let(1)
        # Across the border of two record batches.
        assert ids_of(next(passed)) == list(range(40, 80))
        gate.let(5)
        assert [one for batch in passed for one in ids_of(batch)] == list(range(80, 300))
        assert (data.num_rows, data.rows_per_rank) == (300, [300])


def test_a_second_pass_may_begin_before_the_feed_ends() -> None:
    gate = Gate(rows(0, 300, 50))
    with opened(gate, SCHEMA) as data:
        gate.let(2)
        assert len(list(islice(data.numpy(batch_size=50), 2))) == 2
        gate.let(5)
        assert sum(len(ids_of(one)) for one in data.numpy(batch_size=50)) == 300


def test_a_rank_that_ran_out_waits_while_others_train() -> None:
    # Rank 1 has two steps and can't know of more, while rank 0 waits for it in each of its fifty.
    def live(ctx):
        mine = rows(0, 20, 7) if ctx.rank else rows(100, 500, 7)
        with opened(mine, SCHEMA, group=ctx) as data:
            return [ctx.all_gather(len(batch["id"])) for batch in data.numpy(batch_size=10)]

    assert in_threads(2, live) == [[[10, 10]] * 50] * 2


def test_orders_depend_on_seed_epoch_and_rank_alone() -> None:
    def orders(**more):
        def train(data):
            passes = data.numpy(["id"], batch_size=64, shuffle=True, epochs=2, **more)
            return [batch["id"].tolist() for batch in passes]

        return gang([500, 500], train, batch=more.get("seed", 0) + 33)

    first = orders()
    assert first == orders()
    assert orders(seed=1) != first
    one, two = first[0][:8], first[0][8:]
    assert one != two
    assert sorted(chain.from_iterable(one)) == sorted(chain.from_iterable(two)) == list(range(500))
    assert [[row - 500 for row in part] for part in first[1]] != first[0]


def test_a_run_that_goes_on_sees_the_epoch_it_would_have_seen() -> None:
    with opened(rows(0, 500, 64)) as data:
        passed = data.numpy(["id"], batch_size=500, shuffle=True, epochs=3)
        whole = [batch["id"].tolist() for batch in passed]
        [again] = data.numpy(["id"], batch_size=500, shuffle=True, epoch=1)
        assert again["id"].tolist() == whole[1]
        # Epochs go on from the last one.
        [more] = data.numpy(["id"], batch_size=500, shuffle=True)
        assert more["id"].tolist() == whole[2]
    with opened(rows(0, 500, 64)) as data:
        [fresh] = data.numpy(["id"], batch_size=500, shuffle=True, epoch=2)
        assert fresh["id"].tolist() == whole[2]


def test_the_first_epoch_is_shuffled_alike_however_fast_the_feed_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hydrofoil.gang.data.batches.BUFFER_ROWS", 100)
    gate = Gate(rows(0, 500, 30))
    with opened(gate, SCHEMA) as data:
        passed = iter(data.numpy(batch_size=10, shuffle=True, prefetch=0))
        gate.let(4)
        slow = [ids_of(next(passed)) for _ in range(5)]
        assert data.num_rows is None
        gate.let(20)
        slow += map(ids_of, passed)
    with opened(rows(0, 500, 30)) as data:
        assert data.rows_per_rank == [500]
        assert [ids_of(one) for one in data.numpy(batch_size=10, shuffle=True)] == slow
    assert sorted(chain.from_iterable(slow)) == list(range(500))


def test_buffered_orders_mix_what_lies_near() -> None:
    pieces = list(order.buffered(np.random.default_rng(0), lambda n: min(n, 10_000), 1000))
    drawn = np.concatenate(pieces)
    assert sorted(drawn) == list(range(10_000))
    moved = np.abs(drawn - np.arange(10_000))
    assert moved.mean() > 200
    assert np.median(np.abs(np.diff(drawn))) > 100


@pytest.mark.parametrize("more", [0, 1, 4, 5, 13])
@pytest.mark.parametrize("shuffled", [False, True])
def test_padding_repeats_rows_evenly(more: int, shuffled: bool) -> None:
    random = np.random.default_rng(0) if shuffled else None
    found = Counter(order.padding(random, 5, more).tolist())
    assert sum(found.values()) == more
    assert all(more // 5 <= found[row] <= -(-more // 5) for row in range(5))


@few
@given(
    rows=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    seed=st.integers(0, 5),
)
def test_a_deal_keeps_the_ranks_numbers_of_rows(rows: list[int], seed: int) -> None:
    from hydrofoil.gang.data.exchange import quotas

    drawn = quotas(seed, 1, rows)
    assert drawn.sum(0).tolist() == drawn.sum(1).tolist() == rows


def test_global_shuffles_mix_the_ranks() -> None:
    counts = [400, 300, 200]

    def train(data):
        passed = data.numpy(batch_size=1000, steps="uneven", shuffle="global", epochs=3)
        return [ids_of(batch) for batch in passed]

    results = gang(counts, train)
    assert results == gang(counts, train, batch=17)
    for epoch in range(3):
        parts = [result[epoch] for result in results]
        assert [len(part) for part in parts] == counts
        assert sorted(chain.from_iterable(parts)) == list(range(900))
        if epoch:
            # 400 of 900 rows were rank 0's: about 178 of its 400 still are.
            stayed = sum(row < 400 for row in parts[0])
            assert 130 < stayed < 230
    assert results[0][1] != results[0][2]


def test_global_shuffles_take_every_kind_of_column() -> None:
    def train(ctx):
        ids = np.arange(ctx.rank * 50, ctx.rank * 50 + 50)
        batch = pa.record_batch(
            {
                "id": ids,
                "b": ids % 2 == 0,
                "t": pa.array(ids, pa.timestamp("us", "UTC")),
                "d": pa.array(ids.astype("int32"), pa.date32()),
                "r": pa.array([[int(one)] * (one % 3) for one in ids], pa.list_(pa.int64())),
                "s": pa.array([None if one % 7 == 0 else str(one) for one in ids]),
                "p": pa.array([{"q": int(one)} for one in ids]),
            }
        )
        with opened([batch], group=ctx) as data:
            [got] = data.arrow(shuffle="global", epoch=1)
            ctx.barrier()
            return got

    for got in in_threads(2, train):
        got.validate(full=True)
        assert got.schema.names == ["id", "b", "t", "d", "r", "s", "p"]
        for row in got.to_pylist():
            one = row["id"]
            assert row["b"] == (one % 2 == 0)
            assert row["r"] == [one] * (one % 3)
            assert row["s"] == (None if one % 7 == 0 else str(one))
            assert row["p"] == {"q": one}
        assert got["t"].cast("int64").to_pylist() == got["id"].to_pylist()
        assert got["d"].cast("int32").to_pylist() == got["id"].to_pylist()


def test_batches_may_be_written_to() -> None:
    with opened(rows(0, 100, 30)) as data:
        for _ in range(2):
            for batch in data.numpy(batch_size=40):
                ids_of(batch)
                batch["x"] *= 0
                batch["v"][:] = -1


def test_a_pass_that_is_left_early_ends_its_thread() -> None:
    with opened(rows(0, 1000, 30)) as data:
        for _ in data.pandas(batch_size=10):
            break
    assert not [one for one in threading.enumerate() if one.name == "hydrofoil-prefetch"]


def test_columns_and_arguments_are_checked() -> None:
    with opened(rows(0, 10, 10)) as data:
        assert list(next(iter(data.numpy(["x", "id"])))) == ["x", "id"]
        with pytest.raises(UsageError, match=r"no columns \['y'\].*'id', 'x', 'v', 's'"):
            data.numpy(["y"])
        with pytest.raises(UsageError, match=r"columns='x'"):
            data.numpy("x")
        for wrong in (
            {"batch_size": 0},
            {"batch_size": 1.5},
            {"epochs": -1},
            {"seed": -1},
            {"shuffle": "all"},
            {"steps": "join"},
            {"prefetch": True},
        ):
            [[name, value]] = wrong.items()
            with pytest.raises(UsageError, match=f"{name}={value!r}"):
                data.numpy(**wrong)


def test_what_ends_a_feed_reaches_the_loop() -> None:
    def broken():
        yield from rows(0, 100, 50)
        raise ConnectionResetError("Spark is gone")

    with opened(broken(), SCHEMA) as data:
        passed = iter(data.numpy(batch_size=40))
        assert ids_of(next(passed)) == list(range(40))
        with pytest.raises(ConnectionResetError, match="Spark is gone"):
            list(passed)
        with pytest.raises(ConnectionResetError):
            list(data.numpy(batch_size=40, shuffle=True))


def test_counts_that_were_known_have_to_be_right() -> None:
    with (
        opened(rows(0, 100, 50), counts=[99]) as data,
        pytest.raises(UsageError, match="rank 0 received 100 rows, and 99 were counted"),
    ):
        list(data.numpy(batch_size=101, steps="uneven"))


def test_data_that_was_closed_says_so() -> None:
    with opened(rows(0, 100, 50)) as data:
        pass
    with pytest.raises(UsageError, match="was closed"):
        list(data.numpy())


def test_closing_does_not_wait_for_the_others() -> None:
    gate = Gate(rows(0, 10, 10))
    closed = threading.Event()

    def live(ctx):
        with opened(gate if ctx.rank else rows(0, 10, 10), SCHEMA, group=ctx) as data:
            if ctx.rank:
                assert closed.wait(30)
                gate.let(2)
                return "came later"
            threading.Timer(0.2, data.close).start()
            try:
                return data.rows_per_rank
            finally:
                closed.set()

    first, second = in_threads(2, live)
    assert isinstance(first, PeerGone)
    assert second == "came later"


def test_whether_there_is_anything() -> None:
    gate = Gate(rows(0, 10, 10))
    with opened(gate, SCHEMA) as data:
        gate.let(1)
        assert not data.empty
        gate.let(1)
    with opened([], SCHEMA) as data:
        assert data.empty
        assert [len(one["id"]) for one in data.numpy()] == [0]
        assert list(data.numpy(batch_size=5)) == []


# --- Connections ----------------------------------------------------------------------------------


def test_strangers_are_not_let_in() -> None:
    def live(ctx):
        peers = Peers(ctx)
        try:
            host, port = peers._places[ctx.rank]
            for said in (b"GET / HTTP/1.0\r\n\r\n" + bytes(64), bytes(32) + b"\1\0\0\0[", b""):
                with socket.create_connection((host, port)) as stranger:
                    stranger.sendall(said)
                    stranger.settimeout(10)
                    with contextlib.suppress(OSError):  # It may have been turned away by now.
                        stranger.shutdown(socket.SHUT_WR)
                    with contextlib.suppress(ConnectionError):
                        heard = stranger.makefile("rb").read()
                        assert len(heard) <= GREETING and peers._mine.key not in heard
            return peers.counts(ctx.rank + 7)
        finally:
            ctx.barrier()
            peers.close()

    assert in_threads(2, live) == [[7, 8], [7, 8]]


def test_a_stranger_that_sends_byte_after_byte_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time for a proof is for all of it, not for each byte."""
    monkeypatch.setattr("hydrofoil.gang.data.peers.PROOF_S", 0.3)

    def live(ctx):
        peers = Peers(ctx)
        try:
            if ctx.rank:
                return 0
            sent = 0
            with socket.create_connection(peers._places[0]) as stranger:
                assert len(stranger.makefile("rb").read(GREETING)) == GREETING
                while sent < ANSWER and not select.select([stranger], [], [], 0.1)[0]:
                    stranger.sendall(b"x")
                    sent += 1
            return sent
        finally:
            ctx.barrier()
            peers.close()

    sent, _ = in_threads(2, live)
    assert sent < ANSWER


def without_descriptors(ctx):
    """Rank 1 and a port scan come to rank 0, which has too few descriptors for them."""
    peers = Peers(ctx)
    try:
        if ctx.rank == 0:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            free = os.dup(0)
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free + 8, hard))
            ctx.barrier()
            time.sleep(1)  # In which the listener meets the limit.
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return bytes(peers.accept(1, "after the scan").receive(2))
        host, port = peers._places[0]
        ctx.barrier()
        strangers = [socket.create_connection((host, port)) for _ in range(300)]
        peers.connect(0, "after the scan").send(b"me")
        for stranger in strangers:
            stranger.close()
        return b""
    finally:
        ctx.barrier()
        peers.close()


def test_a_port_scan_while_descriptors_run_out() -> None:
    """300 silent connections, of which 128 may stay: the rank that belongs here gets through."""
    assert list(run_locally(2, without_descriptors)) == [b"me", b""]


def test_a_rank_that_goes_away_in_a_deal_is_named() -> None:
    def live(ctx):
        with opened(rows(0, 50, 10), SCHEMA, group=ctx) as data:
            assert data.rows_per_rank == [50, 50]
            if ctx.rank:
                # Says that it sends, and then doesn't.
                data._peers.connect(0, "deal 0").close()
                return "left"
            return list(data.numpy(shuffle="global", epoch=1))

    gone, left = in_threads(2, live)
    assert left == "left"
    assert isinstance(gone, PeerGone)
    assert "lost rank 1 on host1" in str(gone)

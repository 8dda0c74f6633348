"""What users get: by value, and by address where nothing may have been copied."""

import datetime
import decimal
import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from gang_data_feeds import opened, rows

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.gang.seams import Spool

NAMES = ["f4", "f8", "i1", "i4", "i8", "b", "t", "d", "span", "v", "iv"]


def numbers(count: int, batch: int) -> list[pa.RecordBatch]:
    """A column of each type that has a fixed width."""
    made = []
    for at in range(0, count, batch):
        ids = np.arange(at, min(at + batch, count))
        lists = pa.FixedSizeListArray.from_arrays(np.repeat(ids, 4).astype("float32"), 4)
        ints = pa.FixedSizeListArray.from_arrays(np.repeat(ids, 2), 2)
        made.append(
            pa.record_batch(
                [
                    ids.astype("float32"),
                    ids.astype("float64"),
                    (ids % 100).astype("int8"),
                    ids.astype("int32"),
                    ids,
                    pa.array(ids % 2 == 0),
                    pa.array(ids, pa.timestamp("us", "UTC")),
                    pa.array(ids.astype("int32"), pa.date32()),
                    pa.array(ids, pa.duration("us")),
                    lists.cast(pa.list_(pa.float32())),
                    ints,
                ],
                names=NAMES,
            )
        )
    return made


def address(values: object) -> int:
    return values.data_ptr() if isinstance(values, torch.Tensor) else values.ctypes.data


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["numpy", "torch"])
@pytest.mark.parametrize("name", NAMES)
def test_batches_lie_in_one_map_without_copies(form: str, name: str) -> None:
    with opened(numbers(1000, 130)) as data:
        assert data.rows_per_rank == [1000]
        batches = [one[name] for one in getattr(data, form)([name], batch_size=64)]
        [whole] = [one[name] for one in getattr(data, form)([name])]
    assert address(whole) % 4096 == 0
    row = whole[0].nbytes
    starts = [address(one) - address(batches[0]) for one in batches]
    assert starts == [at * 64 * row for at in range(len(batches))]
    assert address(batches[0]) % 4096 == 0
    # The last one is there, too: it is no copy that happens to lie well.
    assert len(batches[-1]) == 1000 % 64


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["numpy", "torch"])
@pytest.mark.parametrize("name", NAMES)
def test_batches_share_memory_with_their_map(
    form: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hydrofoil.gang.data.spool as spool

    mapped: list[tuple[int, int]] = []
    private_map = spool.private_map

    def watched(*arguments):
        values = private_map(*arguments)
        mapped.append((values.ctypes.data, values.nbytes))
        return values

    monkeypatch.setattr(spool, "private_map", watched)
    with opened(numbers(1000, 130)) as data:
        # While the feed may still run, across its batches' borders, and later.
        for _ in range(2):
            for batch in getattr(data, form)([name], batch_size=64):
                assert any(at <= address(batch[name]) < at + size for at, size in mapped), "a copy"


@pytest.mark.parametrize("name", NAMES)
def test_torch_and_numpy_agree(name: str) -> None:
    with opened(numbers(100, 30)) as data:
        [array] = [one[name] for one in data.numpy([name])]
        [tensor] = [one[name] for one in data.torch([name])]
        [arrow] = [one.column(0) for one in data.arrow([name])]
        [frame] = list(data.pandas([name]))
    if array.dtype.kind in "mM":
        array = array.view("int64")
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert tensor.numpy().dtype == array.dtype
    arrow.validate(full=True)
    expected = pa.Table.from_batches(numbers(100, 30)).column(name)
    assert pa.chunked_array([arrow]) == expected
    pd.testing.assert_series_equal(frame[name], expected.to_pandas(), check_names=False)


def test_arrow_batches_lie_in_the_map() -> None:
    with opened(numbers(1000, 130)) as data:
        assert data.rows_per_rank == [1000]
        batches = list(data.arrow(["f4", "v"], batch_size=64))
    for name, row in (("f4", 4), ("v", 16)):
        arrays = [batch[name].values if name == "v" else batch[name] for batch in batches]
        starts = [array.buffers()[-1].address for array in arrays]
        assert [b - a for a, b in itertools.pairwise(starts)] == [64 * row] * (len(starts) - 1)


def test_writes_to_tensors_stay_in_their_epoch() -> None:
    with opened(numbers(1000, 130)) as data:
        for batch in data.torch(["f4"], batch_size=64, epochs=3):
            first = batch["f4"][0].item()
            assert first % 64 == 0
            batch["f4"].mul_(0).sub_(1)


def words() -> pa.RecordBatch:
    return pa.record_batch(
        {
            "s": ["a", None, "c"],
            "raw": [b"a", None, b""],
            "dec": [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")],
            "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
            "struct": [{"x": at / 2, "y": {"z": at}} for at in range(3)],
            "lists": [["a"], [], ["b", "c"]],
        }
    )


def test_other_types_in_numpy() -> None:
    with opened([words()]) as data:
        [batch] = list(data.numpy())
    assert batch["s"].tolist() == ["a", None, "c"]
    assert batch["raw"].tolist() == [b"a", None, b""]
    assert batch["dec"].tolist() == [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]
    assert batch["map"].tolist() == [[("k", 1)], [], None]
    assert batch["lists"].tolist() == [["a"], [], ["b", "c"]]
    assert batch["struct"]["x"].tolist() == [0.0, 0.5, 1.0]
    assert batch["struct"]["y"]["z"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["s", "raw", "dec", "map", "lists"])
def test_torch_names_the_columns_that_it_does_not_have(name: str) -> None:
    hint = "cast" if name == "dec" else "columns="
    with (
        opened([words()]) as data,
        pytest.raises(UsageError, match=rf"column '{name}': torch has no tensors of .*\n.*{hint}"),
    ):
        data.torch([name])


def test_structs_of_numbers_in_torch() -> None:
    with opened([words()]) as data:
        [batch] = list(data.torch(["struct"]))
    assert batch["struct"]["y"]["z"].tolist() == [0, 1, 2]


def test_null_fields_name_their_path() -> None:
    batch = pa.record_batch({"p": [{"x": 1}, {"x": None}]})
    with (
        opened([batch]) as data,
        pytest.raises(UsageError, match=r"field 'p.x' is null in 1 rows.*\n.*col\('p.x'\)"),
    ):
        list(data.numpy())


def test_lists_of_several_lengths() -> None:
    batch = pa.record_batch({"r": [[1, 2], [3], [], [4, 5, 6]]})
    with opened([batch]) as data:
        with pytest.raises(
            UsageError, match=r"column 'r': the first list has 2.*\n.*ragged=\['r'\]"
        ):
            list(data.numpy())
        [got] = list(data.numpy(ragged=["r"]))
        assert type(got["r"]) is hydrofoil.Ragged
        assert got["r"].offsets.tolist() == [0, 2, 3, 3, 6]
        tensors = [one["r"] for one in data.torch(ragged=["r"], batch_size=3, steps="uneven")]
        assert [one.values.tolist() for one in tensors] == [[1, 2, 3], [4, 5, 6]]
        assert [one.offsets.tolist() for one in tensors] == [[0, 2, 3, 3], [0, 3]]
        [frame] = list(data.pandas())
        assert [list(one) for one in frame["r"]] == [[1, 2], [3], [], [4, 5, 6]]
        with pytest.raises(UsageError, match=r"ragged=\['q'\]"):
            data.numpy(ragged=["q"])


def test_a_list_of_another_length_is_found_in_whichever_batch_it_is() -> None:
    parts = [pa.record_batch({"r": [[1, 2]] * 5}), pa.record_batch({"r": [[1, 2, 3]] * 5})]
    with opened(parts) as data, pytest.raises(UsageError, match="has 2 elements and another 3"):
        for batch in data.numpy(batch_size=5):
            assert batch["r"].shape == (5, 2)


def test_ragged_lists_of_one_length() -> None:
    with opened([pa.record_batch({"r": [[1, 2], [3, 4]]})]) as data:
        [got] = list(data.numpy(ragged=["r"]))
    assert got["r"].offsets.tolist() == [0, 2, 4]


def test_masks_are_columns() -> None:
    batch = pa.record_batch({"x": [1.5, None], "v": [None, [1, 2]]})
    with opened([batch], conf=Spool(nulls="mask")) as data:
        assert data.schema.names == ["x", "x_mask", "v", "v_mask"]
        [got] = list(data.torch())
    assert got["x_mask"].tolist() == [False, True]
    assert got["v"].tolist() == [[0, 0], [1, 2]]
    assert got["v_mask"].tolist() == [True, False]


def test_dates_and_times() -> None:
    day = datetime.date(2024, 2, 29)
    moment = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc)
    batch = pa.record_batch(
        {"d": [day], "t": pa.array([moment], pa.timestamp("us", "Europe/Paris"))}
    )
    with opened([batch]) as data:
        [got] = list(data.numpy())
        [tensors] = list(data.torch())
        [frame] = list(data.pandas())
    assert got["d"][0] == np.datetime64("2024-02-29")
    assert got["t"][0] == np.datetime64("2024-02-29T12:00")
    assert tensors["d"].tolist() == [19782]
    assert tensors["t"].tolist() == [int(moment.timestamp() * 1e6)]
    assert frame["t"][0] == moment


# --- The loader -----------------------------------------------------------------------------------


def test_loaders_give_pairs() -> None:
    with opened(rows(0, 100, 30)) as data:
        loader = data.loader("v", "x", batch_size=40, shuffle=True, epochs=2)
        assert isinstance(loader, torch.utils.data.DataLoader)
        assert len(loader) == 6
        seen = []
        for features, label in loader:
            assert features.shape == (len(label), 3)
            assert torch.equal(features[:, 0], label)
            seen += label.tolist()
    assert sorted(seen) == sorted([*range(100)] * 2)


def test_loaders_put_columns_side_by_side() -> None:
    with opened(numbers(100, 30)) as data:
        for features in data.loader(["f4", "f8"], batch_size=50):
            assert features.shape == (50, 2)
            assert torch.equal(features[:, 0], features[:, 1])


def test_views_survive_the_end() -> None:
    with opened(numbers(100, 30)) as data:
        [batch] = list(data.torch(["f4", "v"]))
    assert batch["f4"].tolist() == list(range(100))
    assert batch["v"][99].tolist() == [99] * 4


def test_batches_cross_a_fork() -> None:
    with opened(numbers(1000, 130)) as data:
        [whole] = list(data.numpy(["f4"]))
        import os

        child = os.fork()
        if child == 0:
            os._exit(0 if whole["f4"].sum() == 499_500 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert whole["f4"][-1] == 999

"""The row loop: how functions are called, and what happens to what they return."""

import pyarrow as pa
import pytest
from pyspark.sql.types import ArrayType, DoubleType, LongType, MapType, StringType
from unit.cext.stock import OPTIONS

from hydrofoil._cext.columns import ColumnView
from hydrofoil._cext.rows import Call, Replay, RowLoop
from hydrofoil.values.type_table import decoder_for, encoder_for


def opened(spark_type, values, arrow_type=None):
    array = pa.array(values, arrow_type)
    view = ColumnView.of_type(array.type)
    decoder = decoder_for(spark_type, view, OPTIONS)
    decoder.open(view.bind(array))
    return decoder


def run(function, decoders, result_type=None, *, slots=(0,), keywords=(), rest=(), rows=None):
    encoder = encoder_for(result_type or LongType(), OPTIONS)
    loop = RowLoop(Call((function, *rest), tuple(slots), tuple(keywords)))
    kept = []
    taken = loop.evaluate(decoders, encoder, kept, rows)
    return loop, encoder, taken, kept


def test_every_row_is_called_once_in_order():
    seen = []
    _, encoder, taken, kept = run(
        lambda x: seen.append(x) or x, [opened(LongType(), range(5000))], rows=5000
    )
    assert taken == 5000 and seen == kept == encoder.restored(5000) == list(range(5000))


@pytest.mark.parametrize(
    ("spark_type", "values"),
    [
        (LongType(), [*range(2**30 - 3, 2**30 + 3), 0, -1, 1024, 1025, None, 2**62, 5000]),
        (DoubleType(), [0.5, None, -0.0, 1e300]),
        (StringType(), ["aa", "bb", None, "c", "", "dd", "später", "ee"]),
    ],
)
def test_arguments_that_the_function_keeps_stay_as_they_are(spark_type, values):
    kept_by_user = []
    run(
        lambda x: kept_by_user.append(x) or 1,
        [opened(spark_type, values)],
        rows=len(values),
    )
    assert list(map(repr, kept_by_user)) == list(map(repr, values))


@pytest.mark.parametrize(
    ("spark_type", "values", "arrow_type"),
    [
        (ArrayType(DoubleType()), [[0.5, 1.5], [2.5, None], [], None, [3.5, 4.5]] * 3, None),
        (ArrayType(LongType()), [[5000, 2], [2**40, 6000], [7000, 8000]] * 3, None),
        (
            MapType(StringType(), LongType()),
            [{"a": 5000, "b": 2}, {"a": 1, "b": None}, {"b": 1, "a": 2}, {}, None, {"a": 7}] * 3,
            pa.map_(pa.string(), pa.int64()),
        ),
    ],
    ids=["doubles", "longs", "map"],
)
@pytest.mark.parametrize("keeps", ["nothing", "values", "items"])
def test_containers_are_what_they_were_whatever_was_done_to_them(
    spark_type, values, arrow_type, keeps
):
    seen, kept = [], []

    def function(value):
        seen.append(repr(value))
        if keeps == "values":
            kept.append((value, repr(value)))
        if value and keeps == "items":
            items = list(value.values()) if isinstance(value, dict) else list(value)
            kept.extend((item, repr(item)) for item in items)
        if isinstance(value, dict):
            value["new"] = value.pop("a", None)
        elif value:
            value.append(value.pop(0))
            value[0] = "changed"
        return 1

    expected = [repr(value) for value in values]
    if keeps == "values":
        # What is kept shows what the function itself did to it.
        run(function, [opened(spark_type, list(map(_items, values)), arrow_type)], rows=len(values))
        assert seen == expected
        made = [value for value, _ in kept if value is not None]
        assert len({id(value) for value in made}) == len(made)
        return
    run(function, [opened(spark_type, list(map(_items, values)), arrow_type)], rows=len(values))
    assert seen == expected
    assert [repr(item) for item, _ in kept] == [text for _, text in kept]


def _items(value):
    return list(value.items()) if isinstance(value, dict) else value


@pytest.mark.parametrize("spark_type", [ArrayType(DoubleType()), MapType(StringType(), LongType())])
def test_containers_that_are_let_go_of_are_what_they_should_be(spark_type):
    if isinstance(spark_type, MapType):
        values = [{"a": i, "b": i + 5000} for i in range(50)] + [{"b": 1, "a": 2}, {"a": 1}]
        decoder = opened(spark_type, list(map(_items, values)), pa.map_(pa.string(), pa.int64()))
    else:
        values = [[i + 0.5, i + 1.5] for i in range(50)] + [[1.0], [], [2.0, 3.0]]
        decoder = opened(spark_type, values)
    seen = []
    run(lambda value: seen.append(repr(value)) or 1, [decoder], rows=len(values))
    assert seen == [repr(value) for value in values]


def test_strings_whose_hash_or_identity_matters_stay_as_they_are():
    import sys

    interned = []
    hashes = {}

    def function(text):
        hashes[text] = len(hashes)
        interned.append(sys.intern(text))
        return 1

    texts = [f"name{i:04}" for i in range(300)]
    run(function, [opened(StringType(), texts)], rows=300)
    assert list(hashes) == interned == texts


def test_keywords_order_and_repeated_columns():
    a, b = opened(LongType(), [1, 2]), opened(LongType(), [10, 20])
    _, encoder, *_ = run(
        lambda x, y, z, *, k: x + 100 * y + 10_000 * z + k,
        [a, b],
        slots=(1, 0, 1, 0),
        keywords=("k",),
        rows=2,
    )
    assert encoder.restored(2) == [100_111, 200_222]


def test_no_arguments_many_arguments_and_builtins():
    assert run(lambda: 7, [], slots=(), rows=3)[1].restored(3) == [7, 7, 7]
    many = [opened(LongType(), [i]) for i in range(40)]
    _, encoder, *_ = run(lambda *xs: sum(xs), many, slots=range(40), rows=1)
    assert encoder.restored(1) == [sum(range(40))]
    assert run(len, [opened(StringType(), ["abc"])], rows=1)[1].restored(1) == [3]


def test_chained_functions():
    _, encoder, *_ = run(
        lambda x: x + 1, [opened(LongType(), [1])], rest=(lambda x: x * 10, str, int), rows=1
    )
    assert encoder.restored(1) == [20]


def test_stops_at_a_result_of_another_type():
    calls = []
    loop, encoder, taken, kept = run(
        lambda x: calls.append(x) or (x if x < 3 else "three"),
        [opened(LongType(), range(9))],
        rows=9,
    )
    assert (taken, loop.left, loop.shared, loop.row) == (3, "three", False, 3)
    assert calls == [0, 1, 2, 3] and kept == encoder.restored(3) == [0, 1, 2]
    assert loop.collect([opened(LongType(), range(9))], 4, 6) == ["three", "three"]


def test_a_result_that_somebody_can_still_change_is_left():
    shared = []
    loop, _, taken, _ = run(
        lambda x: shared, [opened(LongType(), [1, 2])], ArrayType(LongType()), rows=2
    )
    assert taken == 0 and loop.shared and loop.left is shared
    nested = [[1]]
    loop, _, taken, _ = run(
        lambda x: list(nested),
        [opened(LongType(), [1, 2])],
        ArrayType(ArrayType(LongType())),
        rows=2,
    )
    assert taken == 0 and loop.shared


def test_a_result_that_nobody_can_change_is_taken():
    kind = pa.list_(pa.int64())
    for function in (lambda xs: xs, lambda xs: [1, 2], lambda xs: xs[::-1]):
        loop = RowLoop(Call((function,), (0,)))
        encoder = encoder_for(ArrayType(LongType()), OPTIONS)
        decoder = opened(ArrayType(LongType()), [[1], [2, 3]], kind)
        assert loop.evaluate([decoder], encoder, None, 2) == 2


def test_an_exception_says_which_row_and_that_it_was_the_function():
    loop = RowLoop(Call((lambda x: 1 // (x - 2),), (0,)))
    with pytest.raises(ZeroDivisionError):
        loop.evaluate([opened(LongType(), range(5))], encoder_for(LongType(), OPTIONS), None, 5)
    assert (loop.row, loop.reading) == (2, False)


def test_an_exception_says_that_it_was_an_argument():
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")]
    )
    view = ColumnView.of_type(broken.type)
    decoder = decoder_for(StringType(), view, OPTIONS)
    decoder.open(view.bind(broken))
    loop = RowLoop(Call((len,), (0,)))
    with pytest.raises(UnicodeDecodeError):
        loop.evaluate([decoder], encoder_for(LongType(), OPTIONS), None, 2)
    assert (loop.row, loop.reading) == (1, True)


def test_replay_answers_what_is_known_then_asks_then_calls():
    replay = Replay(lambda x: -x)
    assert replay(5) == -5
    replay.load([1, 2])
    assert [replay(0), replay(0), replay(7)] == [1, 2, -7]
    asked = []
    replay.load([1], lambda: asked.append(True) or [2, 3])
    assert [replay(0), replay(0), replay(0)] == [1, 2, 3] and asked == [True]

"""Every codec against stock's conversion of the same column: null x sliced x empty x nested."""

import io
import time
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    ByteType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    Row,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from unit.cext.samples import NESTED, PAIR, SAMPLES, SCALARS
from unit.cext.stock import OPTIONS, exact, to_arrow, to_python

from hydrofoil._cext.columns import ColumnView, bind_frame, live_buffers
from hydrofoil._cext.frames import FrameReader, FrameWriter
from hydrofoil._cext.objects.base import UndecodableColumn, write_batch
from hydrofoil._cext.objects.temporal import TimestampEncoder
from hydrofoil.values.type_table import decoder_for, encoder_for


def decode(spark_type, array):
    view = ColumnView.of_type(array.type)
    return decoder_for(spark_type, view, OPTIONS).decode(view.bind(array))


def as_stream(schema, encoders, rows):
    file = io.BytesIO()
    writer = FrameWriter(file)
    writer.write_message(schema.serialize().to_pybytes())
    write_batch(writer, encoders, rows)
    writer.write_end()
    return file.getvalue()


def encode(spark_type, values):
    """What our encoder sends for a column; fails if it leaves a value to stock."""
    encoder = encoder_for(spark_type, OPTIONS)
    assert encoder.encode(values) == len(values)
    schema = pa.schema([("c", to_arrow(spark_type, []).type)])
    batch = pa.ipc.open_stream(as_stream(schema, [encoder], len(values))).read_next_batch()
    batch.validate(full=True)
    return batch.column(0)


def ids(samples):
    return [spark_type.simpleString() for spark_type, _ in samples]


def variants(values):
    """The same values without nulls, with, only nulls, none at all, and many."""
    with_nulls = [item for value in values for item in (value, None)]
    return [values, with_nulls, [None] * 9, [], (with_nulls * 30)[: 8 * 29 + 3]]


@pytest.mark.parametrize(("spark_type", "values"), SAMPLES, ids=ids(SAMPLES))
def test_decodes_as_stock(spark_type, values):
    for sample in variants(values):
        array = to_arrow(spark_type, sample)
        for part in (array, array[1:], array[3:7], array[:0]):
            assert exact(decode(spark_type, part)) == exact(to_python(spark_type, part))


@pytest.mark.parametrize(("spark_type", "values"), SAMPLES, ids=ids(SAMPLES))
def test_encodes_as_stock(spark_type, values):
    for sample in variants(values):
        expected = to_arrow(spark_type, sample)
        encoded = encode(spark_type, sample)
        assert encoded.type == expected.type
        assert exact(encoded.to_pylist()) == exact(expected.to_pylist())
        assert encoded.null_count == expected.null_count


@pytest.mark.parametrize(("spark_type", "values"), SAMPLES, ids=ids(SAMPLES))
def test_frames_decode_as_arrays(spark_type, values):
    for sample in variants(values):
        array = to_arrow(spark_type, sample)
        file = io.BytesIO()
        with pa.ipc.new_stream(file, pa.schema([("c", array.type)])) as writer:
            writer.write_batch(pa.record_batch([array], ["c"]))
        (frame,) = FrameReader(io.BytesIO(file.getvalue()))
        view = ColumnView.of_type(array.type)
        bind_frame(frame, [view])
        decoded = decoder_for(spark_type, view, OPTIONS).decode(view)
        assert exact(decoded) == exact(to_python(spark_type, array))


@pytest.mark.parametrize(("spark_type", "values"), SAMPLES, ids=ids(SAMPLES))
def test_an_encoder_is_used_again(spark_type, values):
    encoder = encoder_for(spark_type, OPTIONS)
    schema = pa.schema([("c", to_arrow(spark_type, []).type)])
    for sample in (variants(values)[4], values, [None], values[:1]):
        assert encoder.encode(sample) == len(sample)
        stream = as_stream(schema, [encoder], len(sample))
        column = pa.ipc.open_stream(stream).read_next_batch().column(0)
        assert exact(column.to_pylist()) == exact(to_arrow(spark_type, sample).to_pylist())


# Of the others, the encoder's caller keeps the originals.
RESTORED = [sample for sample in SAMPLES if encoder_for(sample[0], OPTIONS).restores]


def test_only_timestamps_are_not_restored():
    others = [spark_type for spark_type, _ in SAMPLES if spark_type not in dict(RESTORED)]
    assert others == [TimestampType()]


@pytest.mark.parametrize(("spark_type", "values"), RESTORED, ids=ids(RESTORED))
def test_what_is_restored_is_converted_to_the_same(spark_type, values):
    encoder = encoder_for(spark_type, OPTIONS)
    sample = [*values, None]
    assert encoder.encode(sample) == len(sample)
    again = to_arrow(spark_type, encoder.restored(len(sample)))
    assert exact(again.to_pylist()) == exact(to_arrow(spark_type, sample).to_pylist())


class Int(int):
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    ("spark_type", "value"),
    [
        (LongType(), True),
        (LongType(), 1.0),
        (LongType(), Int(1)),
        (LongType(), 2**63),
        (IntegerType(), 2**31),
        (IntegerType(), -(2**31) - 1),
        (DoubleType(), True),
        (DoubleType(), 2**53 + 1),
        (FloatType(), -(2**24) - 1),
        (StringType(), Int(1)),
        (StringType(), date(2024, 1, 1)),
        (StringType(), Text("a")),
        (StringType(), "\ud800"),
        (BinaryType(), "a"),
        (BinaryType(), memoryview(b"a")),
        (DecimalType(3, 1), 1),
        (ArrayType(LongType()), (1, 2)),
        (ArrayType(LongType()), [1, "a"]),
        (ArrayType(LongType(), containsNull=False), [1, None]),
        (MapType(StringType(), LongType()), {None: 1}),
        (MapType(StringType(), LongType(), valueContainsNull=False), {"a": None}),
        (PAIR, (1,)),
        (PAIR, [1, "a"]),
        (StructType([StructField("a", LongType(), nullable=False)]), (None,)),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],  # The same in every process.
)
def test_leaves_to_stock_what_is_not_exactly_of_the_type(spark_type, value):
    good = next(values[0] for kind, values in SCALARS + NESTED if type(kind) is type(spark_type))
    if type(spark_type) in (DecimalType, ArrayType, MapType, StructType):
        assert encoder_for(spark_type, OPTIONS).encode([value]) == 0
    else:
        assert encoder_for(spark_type, OPTIONS).encode([good, value, good]) == 1


@pytest.mark.parametrize(
    ("spark_type", "values"),
    [
        (DoubleType(), [1, 2.5, None, 2**53, -(2**53), 0]),
        (FloatType(), [1, 2.5, None, 2**24, -(2**24), 0]),
        (StringType(), [1, -(10**30), 2.5, float("nan"), -0.0, True, False, None, "a"]),
    ],
    ids=str,
)
def test_takes_what_stock_takes_for_the_type(spark_type, values):
    encoder = encoder_for(spark_type, OPTIONS)
    for sample in (values, values[::-1], values[:1]):
        expected = to_arrow(spark_type, sample).to_pylist()
        assert exact(encode(spark_type, sample).to_pylist()) == exact(expected)
        assert encoder.encode(sample) == len(sample)
        restored = encoder.restored(len(sample))
        assert exact(to_arrow(spark_type, restored).to_pylist()) == exact(expected)
        if not isinstance(spark_type, StringType):
            assert [type(value) for value in restored] == [type(value) for value in sample]


SHORT = DecimalType(4, 1)

# Dicts whose keys are all different for Python, but not all in the column; and keys without a hash
# once they are encoded.
MERGING = [
    (StringType(), {1: 1, "1": 2, 1.5: 3, "1.5": 4}),
    (StringType(), {True: 1, "true": 2, "False": 3, False: 4, "false": 5}),
    (FloatType(), {0.1: 1, 0.1000000001: 2, 16777216: 3, 16777217.0: 4}),
    (FloatType(), {float("nan"): 1, 1e300: 2, 1e301: 3, float("inf"): 4, -0.0: 5}),
    (DoubleType(), {float("nan"): 1, float("-nan"): 2, -0.0: 3}),
    (SHORT, {Decimal("1.01"): 1, Decimal("1.02"): 2, Decimal("1.1"): 3, Decimal("-0.0"): 4}),
    (BinaryType(), {b"": 1, b"a": 2}),
    (TimestampNTZType(), {datetime(2024, 10, 27, 2, fold=1): 1, datetime(2024, 10, 27, 3): 2}),
    (PAIR, {(1, 1): 1, (1, "1"): 2, Row(a=2, count="x"): 3}),
    (StructType([StructField("d", SHORT)]), {(Decimal("1.01"),): 1, (Decimal("1.02"),): 2}),
]


@pytest.mark.parametrize(("key", "value"), MERGING, ids=ids(MERGING))
@pytest.mark.parametrize("nest", ["", "array", "struct", "map"])
def test_maps_are_restored_with_all_their_entries(key, value, nest):
    spark_type = MapType(key, LongType())
    if nest == "array":
        spark_type, value = ArrayType(spark_type), [value, {}, value]
    elif nest == "struct":
        spark_type, value = StructType([StructField("m", spark_type)]), (value,)
    elif nest == "map":
        spark_type, value = MapType(LongType(), spark_type), {1: value, 2: None}
    expected = exact(to_arrow(spark_type, [value]).to_pylist())
    assert exact(encode(spark_type, [value]).to_pylist()) == expected
    encoder = encoder_for(spark_type, OPTIONS)
    assert encoder.encode([value, None]) == 2
    restored = encoder.restored(1)
    assert exact(to_arrow(spark_type, restored).to_pylist()) == expected
    # A batch whose later results may still change is encoded again from what was restored.
    assert exact(encode(spark_type, restored).to_pylist()) == expected


@pytest.mark.parametrize("days", [-719163, 2932897])
def test_a_date_that_python_cannot_hold_is_undecodable(days):
    array = pa.array([0, days], pa.int32()).cast(pa.date32())
    with pytest.raises(UndecodableColumn):
        decode(DateType(), array)
    assert len(decode(DateType(), array[:1])) == 1


def test_what_a_null_hides_is_not_looked_at():
    days = pa.array([0, 2932897], pa.int32()).cast(pa.date32())
    hidden = pa.Array.from_buffers(pa.date32(), 2, [pa.py_buffer(b"\x01"), days.buffers()[1]])
    assert decode(DateType(), hidden)[1] is None


def test_rows_are_those_of_stock():
    array = to_arrow(PAIR, [(1, "x")])
    (mine,) = decode(PAIR, array)
    (stock,) = to_python(PAIR, array)
    assert type(mine) is type(stock) and mine == stock and repr(mine) == repr(stock)
    assert mine.a == stock.a == 1
    # A field that a tuple's method hides is hidden.
    assert callable(mine.count) and callable(stock.count)
    assert mine["count"] == stock["count"] == "x"
    assert mine.asDict() == stock.asDict() and "a" in mine
    for row in (mine, stock):
        with pytest.raises(AttributeError):
            _ = row.missing
        with pytest.raises(Exception, match="read-only"):
            row.a = 2


def test_nothing_leaks():
    before = live_buffers()
    for spark_type, values in SAMPLES:
        encoder = encoder_for(spark_type, OPTIONS)
        encoder.encode(values)
        del encoder
    assert live_buffers() == before


# --- Drawn types and data ------------------------------------------------------------------------

LEAVES = [(spark_type, values) for spark_type, values in SCALARS]
HASHABLE = [
    leaf for leaf in LEAVES if type(leaf[0]).__name__ in ("LongType", "StringType", "DateType")
]


def leaf_columns():
    return st.sampled_from(LEAVES).map(lambda leaf: (leaf[0], st.sampled_from([*leaf[1], None])))


def grow(children):
    arrays = children.map(lambda c: (ArrayType(c[0]), st.none() | st.lists(c[1], max_size=4)))
    maps = st.tuples(st.sampled_from(HASHABLE), children).map(
        lambda kv: (
            MapType(kv[0][0], kv[1][0]),
            st.none() | st.dictionaries(st.sampled_from(kv[0][1]), kv[1][1], max_size=3),
        )
    )
    structs = st.lists(children, max_size=3).map(
        lambda cs: (
            StructType([StructField(f"f{i}", c[0]) for i, c in enumerate(cs)]),
            st.none() | st.tuples(*[c[1] for c in cs]),
        )
    )
    return arrays | maps | structs


COLUMNS = st.recursive(leaf_columns(), grow, max_leaves=5)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_drawn_columns_both_ways(data):
    spark_type, value = data.draw(COLUMNS)
    values = data.draw(st.lists(value, max_size=20))
    start = data.draw(st.integers(0, len(values)))
    array = to_arrow(spark_type, values)
    assert exact(decode(spark_type, array[start:])) == exact(to_python(spark_type, array[start:]))
    arguments = to_python(spark_type, array)
    expected = to_arrow(spark_type, arguments)
    assert exact(encode(spark_type, arguments).to_pylist()) == exact(expected.to_pylist())


@settings(deadline=None, max_examples=300)
@given(
    st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(places=3, allow_nan=False),
    st.integers(1, 38).flatmap(lambda p: st.tuples(st.just(p), st.integers(0, p))),
)
def test_drawn_decimals_are_quantized_as_by_stock(value, size):
    spark_type = DecimalType(*size)
    try:
        expected = to_arrow(spark_type, [value])
    except Exception:
        assert encoder_for(spark_type, OPTIONS).encode([value]) == 0
        return
    assert exact(encode(spark_type, [value]).to_pylist()) == exact(expected.to_pylist())


EXPONENTS = [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 9999999999, 2**33, 10**18 - 1]


@pytest.mark.parametrize("digits", ["0", "1", "-7", "12345", "1.5"])
def test_exponents_beyond_c_integers_are_those_of_stock(digits):
    for exponent in (n + near for n in EXPONENTS for near in (-2, 0, 2)):
        for sign in "+-":
            try:
                value = Decimal(f"{digits}E{sign}{exponent}")
            except InvalidOperation:  # Python has no such number.
                continue
            for spark_type in (DecimalType(10, 0), DecimalType(38, 10), DecimalType(2, 2)):
                encoder = encoder_for(spark_type, OPTIONS)
                try:
                    expected = to_arrow(spark_type, [value])
                except InvalidOperation:
                    assert encoder.encode([value]) == 0, (value, spark_type)
                    continue
                assert exact(encode(spark_type, [value]).to_pylist()) == exact(expected.to_pylist())


EXTREMES = [
    (LongType(), [2**63 - 1, 2**63, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 10**40]),
    (IntegerType(), [2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**64 + 1, -(2**31) - 1]),
    (ShortType(), [2**15 - 1, 2**15, 2**16 + 1, 2**32 + 1, 2**64 + 1]),
    (ByteType(), [127, 128, 257, 2**16 + 1, 2**32 + 1, 2**64 + 1]),
    (FloatType(), [2**24, 2**24 + 1, 2**32, 2**64 + 1, 1.8e308, 3.5e38, -1e-50]),
    (DoubleType(), [2**53, 2**53 + 1, 2**64, 10**309]),
    (StringType(), [10**4299, 2**64, -(2**63), 1e308, 5e-324]),
    (DateType(), [date.min, date.max]),
    (TimestampNTZType(), [datetime.min, datetime.max]),
    (
        DayTimeIntervalType(),
        [timedelta.min, timedelta.max, timedelta(106751991, 14454, 775807), timedelta(106751992)],
    ),
]


@pytest.mark.parametrize(("spark_type", "values"), EXTREMES, ids=ids(EXTREMES))
def test_extreme_values_are_those_of_stock_or_left_to_it(spark_type, values):
    for value in values:
        for kind, made in (spark_type, value), (ArrayType(spark_type), [value]):
            encoder = encoder_for(kind, OPTIONS)
            if encoder.encode([made]):
                expected = exact(to_arrow(kind, [made]).to_pylist())
                assert exact(encode(kind, [made]).to_pylist()) == expected


@settings(deadline=None, max_examples=300)
@given(st.floats(width=64))
def test_drawn_doubles_are_narrowed_as_by_stock(value):
    expected = to_arrow(FloatType(), [value]).to_pylist()
    assert exact(encode(FloatType(), [value]).to_pylist()) == exact(expected)


class Zone(tzinfo):
    """A time zone of one offset, which may be unknown."""

    def __init__(self, offset, known=True):
        self.offset = offset
        self.known = known

    def utcoffset(self, _):
        return self.offset

    def dst(self, _):
        return None

    def __bool__(self):
        return self.known


@pytest.mark.parametrize(
    ("zone", "taken"),
    [
        (timezone(timedelta(hours=-3)), True),
        (timezone(timedelta(seconds=1)), True),
        (timezone(timedelta(microseconds=1)), False),
        (Zone(timedelta(hours=5)), True),
        (Zone(timedelta(hours=5), known=False), False),
        (Zone(None), False),
    ],
)
def test_zones_that_pickled_timestamps_are_converted_by(monkeypatch, zone, taken):
    at = datetime(2024, 1, 2, 3, 4, 5, 6, zone)
    encoder = TimestampEncoder(exact=True)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert encoder.encode([at]) == taken
        expected = TimestampType().toInternal(at)
        if taken:
            [instant] = encoder.restored(1)
            assert instant == datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
                microseconds=expected
            )
    finally:
        monkeypatch.undo()
        time.tzset()

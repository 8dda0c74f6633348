"""Decoding and encoding of text against CPython's own, by every kind of loops."""

import ctypes
import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql.types import (
    ArrayType,
    LongType,
    MapType,
    Row,
    StringType,
    StructField,
    StructType,
)
from unit.cext.stock import OPTIONS, exact, to_arrow, to_python

from hydrofoil._cext import text
from hydrofoil._cext.arrays.read import ObjectReader
from hydrofoil._cext.arrays.write import StringWriter
from hydrofoil._cext.columns import ColumnView
from hydrofoil._cext.objects.varlen import StringDecoder, StringEncoder
from hydrofoil._cext.rows import Call, RowLoop
from hydrofoil.values.type_table import decoder_for, encoder_for

CODE_POINTS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# The first and last characters of each number of bytes, of each kind of string, and of each plane.
EDGES = sorted(
    {"\0", "a", "\x7f", "\x80", "\xbf", "\xc0", "\xff", "\u0100", "\u07ff", "\u0800", "\ud7ff"}
    | {"\ue000", "\uffff"}
    | {chr(plane << 16 | low) for plane in range(1, 17) for low in (0, 0x8000, 0xFFFF)}
)
# What generated strings are made of: characters, and bytes that make no text, or none alone.
WHOLE = [*(edge.encode() for edge in EDGES), b"plain text", "später".encode(), "東京都".encode()]
BROKEN = [
    *(b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xdf", b"\xe0\x80\x80"),
    *(b"\xe0\x9f\xbf", b"\xe0\xa0", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xef\xbf"),
    *(b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80", b"\xf0\x9f", b"\xf4\x90\x80\x80"),
    *(b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"\xe6\x9d\x61"),
]


NESTED = [
    ArrayType(StringType()),
    MapType(StringType(), StringType()),
    StructType([StructField("a", StringType()), StructField("b", ArrayType(StringType()))]),
    ArrayType(MapType(StringType(), StructType([StructField("a", StringType())]))),
]


def nested(spark_type, words):
    """A value of such a type, of four words or fewer."""
    if isinstance(spark_type, StringType):
        return words[0]
    if isinstance(spark_type, MapType):
        return {word: nested(spark_type.valueType, [word[::-1]]) for word in words}
    if isinstance(spark_type, StructType):
        return Row(*[nested(field.dataType, words) for field in spark_type])
    if isinstance(spark_type.elementType, StringType):
        return [*words, None]
    return [nested(spark_type.elementType, words), None]


def broken_column(spark_type, around, broken):
    """Values of which some text is not valid, or no text at all."""
    mark = f"<{'~' * len(broken)}>"
    column = to_arrow(spark_type, [nested(spark_type, [around, around + mark, around * 2])] * 3)
    batch = pa.record_batch([column], ["c"])
    message = batch.serialize().to_pybytes().replace(mark.encode(), b"<" + broken + b">")
    return pa.ipc.read_record_batch(message, batch.schema).column(0)


@pytest.fixture(params=text.LOOPS)
def _loops(request: pytest.FixtureRequest) -> Iterator[None]:
    if not text.use_loops(request.param):
        pytest.skip("this processor lacks the instructions")
    yield
    text.use_loops(text.LOOPS[-1])


def outcome(function, value):
    """What it returns, with the memory that a string takes; or its error, with all it says."""
    try:
        made = function(value)
    except UnicodeError as error:
        return type(error).__name__, error.args
    return made, sys.getsizeof(made), hash(made)


def same_outcomes(values: list[bytes]) -> None:
    for value in values:
        assert outcome(text.decode, value) == outcome(bytes.decode, value), value


def generated(count: int, seed: int) -> Iterator[bytes]:
    """Byte strings of up to 120 bytes or so, half of them valid, and some of any bytes at all."""
    random = np.random.default_rng(seed)
    pieces = WHOLE + BROKEN
    for _ in range(count // 1000):
        lengths = random.integers(0, 30, 1000)
        # Most strings are of few kinds of characters, as words are.
        firsts = random.integers(0, len(WHOLE), 1000)
        breaks = random.random(1000) < 0.5
        for length, first, broken in zip(lengths, firsts, breaks, strict=True):
            kinds = random.integers(first, min(first + 8, len(WHOLE)), length)
            parts = [pieces[kind] for kind in kinds]
            if broken and length:
                parts[random.integers(length)] = BROKEN[random.integers(len(BROKEN))]
            yield b"".join(parts)
            if length == 0:
                yield random.bytes(random.integers(1, 40))


@pytest.mark.usefixtures("_loops")
class TestAgainstCPython:
    def test_every_code_point(self) -> None:
        assert [text.decode(c.encode()) for c in CODE_POINTS] == CODE_POINTS
        assert b"".join(map(text.encode, CODE_POINTS)) == "".join(CODE_POINTS).encode()

    def test_all_code_points_in_long_strings(self) -> None:
        everything = "".join(CODE_POINTS)
        for start in range(0, len(everything), 997):
            part = everything[start : start + 997]
            assert outcome(text.decode, part.encode()) == outcome(bytes.decode, part.encode())
            assert text.encode(part) == part.encode()

    def test_every_pair_of_planes(self) -> None:
        for one in EDGES:
            for other in EDGES:
                for made in (one + other, one * 9 + other * 9, (one + other) * 40):
                    data = made.encode()
                    assert outcome(text.decode, data) == outcome(bytes.decode, data)
                    assert text.encode(made) == data

    def test_a_character_at_every_place(self) -> None:
        for character in ("é", "ш", "東", "\U0001f6a2"):
            for length in range(100):
                for place in {0, length // 2, length} | set(range(max(length - 9, 0), length)):
                    made = "a" * place + character + "b" * (length - place)
                    same_outcomes([made.encode()])
                    assert text.encode(made) == made.encode()

    def test_a_mistake_at_every_place(self) -> None:
        for broken in BROKEN:
            for length in range(70):
                same_outcomes([b"a" * length + broken, b"a" * length + broken + b"b" * 40])
                same_outcomes(["é".encode() * length + broken + "東".encode()])

    def test_generated_bytes(self) -> None:
        same_outcomes(list(generated(20_000, seed=1)))

    def test_lone_surrogates(self) -> None:
        for broken in ("\ud800", "\udfff", "\ud83d\ude00"):
            for length in range(20):
                for around in ("a", "é", "東", "\U0001f6a2"):
                    made = around * length + broken + around * 3
                    assert outcome(text.encode, made) == outcome(str.encode, made)

    def test_characters_that_cpython_has_one_of(self) -> None:
        for made in ["", *map(chr, range(256))]:
            assert text.decode(made.encode()) is made.encode().decode()

    def test_column_that_is_cut_within_characters(self) -> None:
        data = "aé東\U0001f6a2b".encode()
        for first in range(len(data) + 1):
            for second in range(first, len(data) + 1):
                offsets = np.array([0, first, second, len(data)], np.int32)
                column = pa.Array.from_buffers(
                    pa.string(), 3, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
                )
                parts = [data[start:stop] for start, stop in pairwise(offsets)]
                assert outcome(decoded, column) == outcome(
                    lambda parts: tuple(part.decode() for part in parts), parts
                )

    def test_bytes_under_nulls_are_not_looked_at(self) -> None:
        column = pa.Array.from_buffers(
            pa.string(),
            3,
            [
                pa.py_buffer(b"\x05"),
                pa.py_buffer(np.array([0, 2, 4, 7], np.int32)),
                pa.py_buffer(b"\xc3\xa9\xff\xfe" + "東".encode()),
            ],
        )
        assert decoded(column) == ("é", None, "東")

    def test_part_of_a_column(self) -> None:
        words = ["später", None, "", "東京都", "\U0001f6a2", "plain", "é" * 200]
        column = pa.array(words)
        for start in range(len(words)):
            for stop in range(start, len(words) + 1):
                assert decoded(column[start:stop]) == tuple(words[start:stop])

    def test_arguments_that_nobody_keeps(self) -> None:
        """A string is used again for the next row, unless there is more than its characters."""
        words = [
            f"{word}{i % 7}" for i in range(50) for word in ("spät", "東京", "\U0001f6a2", "a")
        ]
        words.sort(key=len)
        as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8
        as_utf8.argtypes, as_utf8.restype = [ctypes.py_object], ctypes.c_char_p
        kept: list[str] = []
        hashes: list[int] = []
        for function, expected in (
            (lambda s: kept.append(s) or s, words),
            (lambda s: hashes.append(hash(s)) or s, words),
            # CPython leaves a copy in the string.
            (lambda s: as_utf8(s).decode(), words),
            (lambda s: s[:2], [word[:2] for word in words]),
        ):
            assert through(function, words) == expected
        assert kept == words and hashes == [hash(word) for word in words]

    def test_arguments_of_all_kinds_and_lengths(self) -> None:
        """Of which one string each is kept, to be used again for a later row."""
        random = np.random.default_rng(3)
        words = [
            "aé東\U0001f6a2"[kind] * length + str(i)
            for i, (kind, length) in enumerate(random.integers(0, (4, 80), (12_000, 2)))
        ]
        kept: list[str] = []
        for function in (
            len,
            lambda s: s,
            lambda s: kept.append(s) if len(s) % 7 == 0 else s[1:],
        ):
            expected = [function(word) for word in words]
            before = list(kept)
            kept.clear()
            assert through(function, words) == list(map(as_text, expected))
            assert kept == before

    def test_repeated_words(self) -> None:
        """Which are remembered, while most rows have one, and within one batch."""
        countries = ["España", "Perú", "日本", "Ελλάδα", "Chile", "", "é", "\U0001f1ea", "x" * 70]
        decoder = StringDecoder()
        view = ColumnView.of_type(pa.string())
        encoder = encoder_for(StringType(), OPTIONS)
        kept: list[str] = []
        loop = RowLoop(Call((lambda s: kept.append(s) or s,), (0,), ()))
        for words in (
            [countries[i % 9] for i in range(2000)],
            [f"{countries[i % 9]}{i}" for i in range(2000)],
            [countries[i % 9] for i in range(100)],
            [countries[i * i % 9] if i < 70_000 else f"é{i % 50}" for i in range(75_000)],
            [f"東{i % 3}" for i in range(2000)],
        ):
            kept.clear()
            # Opened again without being closed, as after an error.
            decoder.open(view.bind(pa.array(words)))
            assert loop.evaluate([decoder], encoder, None, len(words)) == len(words)
            assert encoder.restored(len(words)) == words == kept
        assert len(set(map(id, kept))) == 3
        before = sys.getrefcount(kept[0])
        decoder.close()
        after = sys.getrefcount(kept[0])
        assert after == before - 1

    @pytest.mark.parametrize("spark_type", NESTED, ids=lambda kind: kind.simpleString())
    def test_within_other_types(self, spark_type) -> None:
        words = [data.decode(errors="replace") for data in generated(1000, seed=4)]
        values = [nested(spark_type, words[i : i + 4]) for i in range(0, len(words), 4)]
        column = to_arrow(spark_type, values)
        view = ColumnView.of_type(column.type)
        read = decoder_for(spark_type, view, OPTIONS).decode(view.bind(column))
        assert list(map(exact, read)) == list(map(exact, to_python(spark_type, column)))
        encoder = encoder_for(spark_type, OPTIONS)
        assert encoder.encode(values) == len(values)
        restored = to_arrow(spark_type, encoder.restored(len(values)))
        assert restored.equals(column)

    @pytest.mark.parametrize("spark_type", NESTED, ids=lambda kind: kind.simpleString())
    def test_broken_within_other_types(self, spark_type) -> None:
        """It raises what stock raises, whatever text is around it."""
        for broken in BROKEN:
            for around in ("plain", "spät", "東京都"):
                column = broken_column(spark_type, around, broken)
                view = ColumnView.of_type(column.type)
                decoder = decoder_for(spark_type, view, OPTIONS)
                view.bind(column)
                expected = outcome(lambda column: to_python(spark_type, column), column)
                assert expected[0] == "UnicodeDecodeError"
                assert outcome(decoder.decode, view) == expected

    def test_results_hold_no_copy_of_themselves(self) -> None:
        values = ["spät" * 5, "東京都" * 5, "\U0001f6a2" * 5]
        sizes = list(map(sys.getsizeof, values))
        encoder = StringEncoder()
        assert encoder.encode(values) == 3 and encoder.restored(3) == values
        assert StringWriter().extend(np.array(values, object))
        assert list(map(sys.getsizeof, values)) == sizes

    def test_equal_words_are_one_object(self) -> None:
        words = [f"{word}{i % 5}" for i in range(100) for word in ("spät", "東京都", "\U0001f6a2")]
        view = ColumnView.of_type(pa.string())
        values = ObjectReader(StringDecoder()).read(view.bind(pa.array(words)))
        assert values.tolist() == words
        assert len(set(map(id, values))) == 15

    def test_equal_words_among_many(self) -> None:
        words = [f"spät{i}" for i in range(5000)]
        few = words[:2000] + words[:40] + words[2000:3000]
        many = words[:1000] + words[:1000] + words[:3000]
        view = ColumnView.of_type(pa.string())
        reader = ObjectReader(StringDecoder())
        for column in (words, few, many, [None, *words, None]):
            assert reader.read(view.bind(pa.array(column))).tolist() == column


@pytest.mark.slow
def test_a_million_generated_byte_strings() -> None:
    kinds = [name for name in text.LOOPS if text.use_loops(name)]
    for value in generated(1_000_000, seed=2):
        expected = outcome(bytes.decode, value)
        for name in kinds:
            text.use_loops(name)
            assert outcome(text.decode, value) == expected, (name, value)


def decoded(column):
    view = ColumnView.of_type(column.type)
    return tuple(StringDecoder().decode(view.bind(column)))


def through(function, words):
    view = ColumnView.of_type(pa.string())
    decoder = StringDecoder()
    decoder.open(view.bind(pa.array(words)))
    encoder = encoder_for(StringType(), OPTIONS)
    loop = RowLoop(Call((function,), (0,), ()))
    assert loop.evaluate([decoder], encoder, None, len(words)) == len(words)
    return encoder.restored(len(words))


def as_text(value):
    """What stock makes of a result of a function that promised text."""
    return str(value) if isinstance(value, int) else value


def test_very_long_results() -> None:
    """Of which no room for the longest possible text is made."""
    values = ["é" * 2_000_000, "東" * 500_000, "a"]
    encoder = encoder_for(StringType(), OPTIONS)
    assert encoder.encode(values) == 3
    assert encoder.restored(3) == values
    assert encoder.encode(["東" * 500_000 + "\ud800"]) == 0


def test_stops_at_a_result_with_a_lone_surrogate() -> None:
    encoder = encoder_for(StringType(), OPTIONS)
    assert encoder.encode(["é" * 50, "東" * 50 + "\ud800", "é"]) == 1
    assert encoder.restored(1) == ["é" * 50]
    assert encoder_for(LongType(), OPTIONS).encode(["é"]) == 0

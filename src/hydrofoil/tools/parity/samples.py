"""Values of every Spark SQL type, as SQL, and the nested types made from them.

One row of ``BASE`` is one type: a name, what it can be used for, and literals with nulls and
extremes. Columns are built from literals in the JVM, so no Python conversion takes part in making
them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Sample:
    """A type and some of its values.

    Attributes
    ----------
    name : str
        Also the column's name.
    type : str
        In DDL.
    values : tuple of str
        SQL expressions; each is cast to the type.
    key : bool
        Whether the type can be a map's key in Python.
    """

    name: str
    type: str
    values: tuple[str, ...]
    key: bool = True

    @property
    def typed(self) -> list[str]:
        """The values as SQL expressions of exactly this type."""
        return [f"CAST({value} AS {self.type})" for value in self.values]


def _sample(name: str, type: str, *values: str, key: bool = True) -> Sample:
    return Sample(name, type, (*values, "NULL"), key)


BASE = (
    _sample("boolean", "BOOLEAN", "true", "false"),
    _sample("byte", "TINYINT", "0", "1", "-1", "127", "-128"),
    _sample("short", "SMALLINT", "0", "256", "-1", "32767", "-32768"),
    _sample("int", "INT", "0", "1", "-1", "2147483647", "-2147483648"),
    _sample(
        "long", "BIGINT", "0", "-1", "257", "9223372036854775807", "(-9223372036854775807L - 1L)"
    ),
    _sample(
        "float", "FLOAT", "0.0", "'-0.0'", "1.1", "'NaN'", "'Infinity'", "'-Infinity'",
        "1.4E-45", "3.4028235E38", "-1E-40",
    ),
    _sample(
        "double", "DOUBLE", "0.0", "'-0.0'", "1.1", "'NaN'", "'Infinity'", "'-Infinity'",
        "4.9E-324D", "1.7976931348623157E308D", "-1E-310D", "9007199254740993L",
    ),
    _sample("decimal_10_0", "DECIMAL(10,0)", "0", "1", "-9999999999", "9999999999"),
    _sample("decimal_18_2", "DECIMAL(18,2)", "0", "0.01", "-1.10", "9999999999999999.99"),
    _sample("decimal_1_0", "DECIMAL(1,0)", "0", "9", "-9"),
    _sample("decimal_38_0", "DECIMAL(38,0)", "0", "9" * 38, "-" + "9" * 38, "1" + "0" * 20),
    _sample("decimal_38_18", "DECIMAL(38,18)", "0", "1", "-0.000000000000000001", "12345.6789"),
    _sample("decimal_38_38", "DECIMAL(38,38)", "0", "0." + "9" * 38, "-0." + "0" * 37 + "1"),
    _sample("decimal_7_7", "DECIMAL(7,7)", "0", "0.0000001", "-0.1234567"),
    _sample(
        "string", "STRING", "''", "'a'", "'été'", "'\U0001f600\U00010000'", "'a\\0b'",
        "'line\\nbreak'", "repeat('0123456789abcdef', 300)", "repeat('€', 40)", "'É'",
        "'Ωδή'", "'東京都'", "concat(repeat('roéw ', 30), '\uffff')", "repeat('a\U0010ffff', 40)",
    ),
    _sample(
        "binary", "BINARY", "X''", "X'00'", "X'FF00FE'", "CAST(repeat('x', 1000) AS BINARY)",
        key=False,  # Java hashes arrays by address: the order of a map's keys is chance.
    ),
    _sample(
        "date", "DATE", "'1970-01-01'", "'1969-12-31'", "'0001-01-01'", "'9999-12-31'",
        "'1582-10-04'", "'1582-10-15'", "'2024-02-29'", "'1900-03-01'",
    ),
    _sample(
        "timestamp", "TIMESTAMP", "timestamp_micros(0)", "timestamp_micros(-1)",
        "timestamp_micros(1)", "timestamp_micros(1711846800000000)",
        "timestamp_micros(-2208988800000000)", "timestamp_micros(4102444800999999)",
    ),
    _sample(
        "timestamp_ntz", "TIMESTAMP_NTZ", "'1970-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'",
        "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-03-31 02:30:00.000001'",
    ),
    _sample(
        "day_time_interval", "INTERVAL DAY TO SECOND", "INTERVAL '0' SECOND",
        "INTERVAL '-0.000001' SECOND", "INTERVAL '1 02:03:04.000005' DAY TO SECOND",
        "INTERVAL '106751991 04:00:54.775807' DAY TO SECOND",
        "INTERVAL '-106751991 00:00:00' DAY TO SECOND",
    ),
)  # fmt: skip

_POINT = "0101000000000000000000F03F0000000000000040"

# Types whose values only some functions take, or that can't be nested freely.
SPECIAL = (
    Sample("void", "VOID", ("NULL",), key=False),
    _sample(
        "variant", "VARIANT", "parse_json('1')", "parse_json('\"text\"')", "parse_json('null')",
        "parse_json('{\"a\": [1, 2.5, true], \"b\": {}}')", key=False,
    ),
    _sample("collated", "STRING COLLATE UNICODE_CI", "'a'", "'É'", key=False),
    _sample("geometry", "GEOMETRY(0)", "ST_GeomFromWKB(X'" + _POINT + "')", key=False),
    _sample("geography", "GEOGRAPHY(4326)", "ST_GeogFromWKB(X'" + _POINT + "')", key=False),
)  # fmt: skip

# Off unless a configuration allows it.
TIME = _sample("time", "TIME(6)", "TIME'00:00:00'", "TIME'23:59:59.999999'", "TIME'12:30:00.5'")
TIME_CONF = {"spark.sql.timeType.enabled": "true"}

# Stock brings these to Python on one path and refuses them on the other.
PARTIAL = (
    _sample("year_month_interval", "INTERVAL YEAR TO MONTH", "INTERVAL '1-2' YEAR TO MONTH"),
    _sample("calendar_interval", "INTERVAL", "make_interval(1, 2, 3, 4, 5, 6, 7.5)"),
)


def arrays(base: Sample) -> Sample:
    """Arrays of ``base``: whole, empty, null, and of one null."""
    element = f"ARRAY<{base.type}>"
    everything = f"array({', '.join(base.typed)})"
    one_null = f"array(CAST(NULL AS {base.type}))"
    values = (everything, "array()", "NULL", one_null, f"array({base.typed[0]})")
    return Sample(f"array_{base.name}", element, values, key=False)


def string_maps(base: Sample) -> Sample:
    """Maps from strings to ``base``."""
    pairs = ", ".join(f"'k{i}', {value}" for i, value in enumerate(base.typed))
    values = (f"map({pairs})", "map()", "NULL", f"map('', CAST(NULL AS {base.type}))")
    return Sample(f"map_{base.name}", f"MAP<STRING, {base.type}>", values, key=False)


def keyed_maps(base: Sample) -> Sample:
    """Maps from ``base`` to numbers."""
    keys = [value for value in base.typed if "NULL" not in value and "'-0.0'" not in value]
    pairs = ", ".join(f"{key}, {i}" for i, key in enumerate(keys))
    values = (f"map({pairs})", "map()", "NULL")
    return Sample(f"keyed_{base.name}", f"MAP<{base.type}, INT>", values, key=False)


def structs(base: Sample) -> Sample:
    """Structs with a field of ``base`` and one of a number, nulls inside and out."""
    type = f"STRUCT<value: {base.type}, `odd name`: INT>"
    values = [f"named_struct('v', {v}, 'n', {i})" for i, v in enumerate(base.typed)]
    values.append(f"named_struct('v', {base.typed[0]}, 'n', CAST(NULL AS INT))")
    return Sample(f"struct_{base.name}", type, (*values, "NULL"), key=base.key)


def nested(base: Sample) -> tuple[Sample, ...]:
    """All types made from ``base``, up to depth 3."""
    array, struct = arrays(base), structs(base)
    made = [
        array,
        string_maps(base),
        struct,
        arrays(array),
        arrays(structs(array)),
        structs(arrays(struct)),
        string_maps(arrays(struct)),
        arrays(string_maps(array)),
    ]
    if base.key:
        made += [keyed_maps(base), keyed_maps(struct), arrays(keyed_maps(base))]
    return tuple(made)


def columns(spark: SparkSession, samples: Sequence[Sample], partitions: int = 1) -> DataFrame:
    """A data frame with a column for each sample; shorter ones end in nulls."""
    count = max(len(sample.values) for sample in samples)
    rows = spark.range(0, count, 1, partitions)
    return rows.select(*[_column(sample) for sample in samples])


def _column(sample: Sample) -> Column:
    cases = " ".join(f"WHEN {row} THEN {value}" for row, value in enumerate(sample.typed))
    return F.expr(f"CASE id {cases} END").alias(sample.name)


def named(samples: Iterable[Sample], name: str) -> Sample:
    """The sample called ``name``."""
    return next(sample for sample in samples if sample.name == name)

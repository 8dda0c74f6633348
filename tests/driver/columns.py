"""Columns of every type, with the values at which they are difficult."""

# Name -> SQL of some values; each column gets a null, too.
COLUMNS = {
    "boolean": "true, false",
    "tinyint": "-128Y, 127Y, 0Y",
    "smallint": "-32768S, 32767S, 1S",
    "int": "-2147483648, 2147483647, 7",
    "bigint": "-9223372036854775808L, 9223372036854775807L, 1L, 256L, 257L",
    "float": "float(0.1), float('nan'), float('-0.0'), float('inf'), float(16777217)",
    "double": "0.1D, double('nan'), double('-0.0'), double('-inf'), 4.9E-324D",
    "string": "'', 'a', 'text', 'naïve', '漢字', '😀', 'nul \\u0000 inside', repeat('x', 5000)",
    "not UTF-8": "cast(X'61ff62' as string), cast(X'eda080' as string), cast(X'41eda0' as string),"
    " 'fine', cast(X'e08080f09f98edbfbf41f5f8f4908080e282' as string)",
    "binary": "X'', X'00ff', X'616263'",
    "date": "date'0001-01-01', date'1969-12-31', date'2000-02-29', date'9999-12-31'",
    "date of year 0": "date'0000-12-31', date'2000-01-01'",
    "timestamp": (
        "timestamp'1969-12-31 23:59:59.999999', timestamp'2024-03-10 02:30:00',"
        " timestamp'2024-11-03 05:30:00Z', timestamp'2024-11-03 06:30:00Z',"
        " timestamp'2024-10-27 00:30:00Z', timestamp'2024-10-27 01:30:00Z'"
    ),
    "timestamp of year 1": "timestamp'0001-01-01 00:00:00Z', timestamp'2000-01-01 00:00:00Z'",
    "timestamp of year 10000": "timestamp'+10000-01-01 00:00:00Z'",
    "timestamp_ntz": (
        "timestamp_ntz'0001-01-01 00:00:00', timestamp_ntz'2024-03-10 02:30:00.000001',"
        " timestamp_ntz'9999-12-31 23:59:59.999999'"
    ),
    "interval": "interval '1 02:03:04.000005' day to second, interval '-1' day",
    "decimal(10,2)": (
        "cast(1.50 as decimal(10,2)), cast(-0.01 as decimal(10,2)), cast(0 as decimal(10,2))"
    ),
    "decimal(38,18)": (
        "cast(0 as decimal(38,18)), cast('0.000000000000000001' as decimal(38,18)),"
        " cast('0.000000000000000010' as decimal(38,18)), cast('-0.00000012' as decimal(38,18)),"
        " cast('12345678901234567890.123456789012345678' as decimal(38,18))"
    ),
    "decimal(38,0)": "cast('99999999999999999999999999999999999999' as decimal(38,0))",
    "void": "null",
    "array": "array(1, null, 3), array(), array(2)",
    "array of strings": "array('a', null, 'é'), array()",
    "array of arrays": "array(array(1D), null, array())",
    "array of timestamps": "array(timestamp'2024-11-03 06:30:00Z', null)",
    "map": "map('b', 1, 'a', 2, 'c', null), map()",
    "map of decimals": (
        "map(cast(3 as decimal(20,6)), 1, cast(0 as decimal(20,6)), 2,"
        " cast(-0.000001 as decimal(20,6)), 3, cast(12345678901234.5 as decimal(20,6)), 4)"
    ),
    "map of longs": "map(70000000000L, 'x', 1L, 'y', -1L, 'z', 17L, 'w')",
    "map of floats": "map(float(1.5), 1, float('nan'), 2, float(-1e30), 3, float(0.1), 4)",
    # So many of one place in a Java map's table that they become trees, which fall apart again.
    "crowded map of longs": (
        "map_from_entries(transform(sequence(-70L, 70L), x -> struct(shiftleft(x, 12), x))),"
        " map_from_entries(transform(sequence(0L, 300L), x -> struct(shiftleft(x % 9, 32) ^ x, x)))"
    ),
    # "Aa" and "BB" have the same hash.
    "crowded map of strings": (
        "map_from_entries(transform(sequence(0, 127), x -> struct("
        "replace(replace(bin(x + 128), '1', 'Aa'), '0', 'BB'), x)))"
    ),
    "crowded map of dates": (
        "map_from_entries(transform(sequence(-60, 60), x -> struct(date_add(date'1970-01-01',"
        " x * 4096), x)))"
    ),
    "struct": "named_struct('a', 1, 'b', 'x'), named_struct('a', null, 'b', null)",
    "struct of Row's names": "named_struct('count', 1, 'index', 'x', '', 2, '__fields__', 3)",
    "struct in struct": (
        "named_struct('s', named_struct('t', array(named_struct('u', date'2020-01-01'))))"
    ),
    "struct of one": "struct(X'00ff' as b)",
}


def query(name: str) -> str:
    """A query with the column's values and a null, in three partitions at least."""
    values = COLUMNS[name]
    return f"select explode(array_append(array({values}), null)) as c from range(0, 3, 1, 3)"

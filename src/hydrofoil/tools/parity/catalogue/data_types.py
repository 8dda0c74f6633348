"""The data types of the catalogue: those of `samples` that the installed Spark offers."""

from pyspark.sql import types as T

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.data import near
from hydrofoil.tools.parity.samples import BASE, PARTIAL, SPECIAL, TIME, Sample, named

# What Python's types have where a type that came after 3.5 is offered.
_NEEDS = {
    "variant": "VariantType",
    "collated": "StringType.isUTF8BinaryCollation",
    "geometry": "GeometryType",
    "geography": "GeographyType",
    "time": "TimeType",
}


def _offered(sample: Sample) -> bool:
    holder: object = T
    for name in filter(None, _NEEDS.get(sample.name, "").split(".")):
        holder = getattr(holder, name, None)
    return holder is not None


def _nested() -> tuple[Sample, ...]:
    int_, long, string = named(BASE, "int"), named(BASE, "long"), named(BASE, "string")
    double, date = named(BASE, "double"), named(BASE, "date")
    decimal, timestamp = named(BASE, "decimal_18_2"), named(BASE, "timestamp")
    array, struct = samples.arrays(long), samples.structs(long)
    return (
        array,
        samples.arrays(string),
        samples.arrays(decimal),
        samples.arrays(near(timestamp)),
        samples.arrays(array),
        samples.arrays(struct),
        samples.string_maps(double),
        samples.string_maps(array),
        samples.keyed_maps(int_),
        samples.keyed_maps(date),
        struct,
        samples.structs(string),
        samples.structs(array),
        samples.structs(samples.string_maps(struct)),
    )


PLAIN = BASE
NESTED = _nested()
SPECIALS = tuple(filter(_offered, (*SPECIAL, *PARTIAL, TIME)))
TYPES = (*PLAIN, *NESTED, *SPECIALS)

# A few that between them take every kind of codec.
FEW = tuple(
    named(TYPES, name)
    for name in (
        "long",
        "double",
        "string",
        "timestamp",
        "decimal_18_2",
        "array_long",
        "struct_long",
    )
)

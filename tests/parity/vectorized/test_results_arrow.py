"""What becomes of what Arrow functions return. Replayed, as for pandas."""

import pytest

from hydrofoil.tools.parity.families import ARROW, Family
from parity.replay import Players
from parity.vectorized import arrow_values
from parity.vectorized.arrow_values import ARRAYS, SHAPES, TABLES, Unit
from parity.vectorized.conftest import Record

# See tests/conftest.py.
ONE_IN = 19

# Types, and an entry of `ARRAYS` that is right for each.
DECLARED = {
    "bigint": "int64",
    "int": "int32",
    "tinyint": "int8",
    "double": "double",
    "float": "float",
    "boolean": "bool",
    "string": "string",
    "binary": "binary",
    "date": "date32",
    "timestamp": "timestamp us UTC",
    "timestamp_ntz": "timestamp us None",
    "interval day to second": "duration us",
    "decimal(10,2)": "decimal 10 2",
    "array<bigint>": "list",
    "map<string,bigint>": "map",
    "struct<a:bigint,b:string>": "struct",
    "void": "null",
}
LARGE = {"spark.sql.execution.arrow.useLargeVarTypes": "true"}
BY_POSITION = {"spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "false"}
KATHMANDU = {"spark.sql.session.timeZone": "Asia/Kathmandu"}

every_family = pytest.mark.parametrize(
    "family", [family for family in ARROW if "barrier" not in family.name], ids=str
)
TABLE_FAMILIES = [family for family in ARROW if family.result in ("table", "batch")]


@every_family
@pytest.mark.parametrize("declared", DECLARED)
def test_arrays(recorded: Record, both: Players, family: Family, declared: str) -> None:
    task = recorded(family)
    batch = family.result == "batch"
    for before in ((), (("arrays", DECLARED[declared]),)):
        streams = [
            task.stream(Unit(family.result, batch, *before, ("arrays", name)), declared)
            for name in ARRAYS
        ]
        both.same(list(ARRAYS), streams)


@pytest.mark.parametrize("declared", ["string", "binary", "array<string>", "timestamp"])
@pytest.mark.parametrize("conf", [LARGE, KATHMANDU], ids=["large", "zone"])
@pytest.mark.parametrize("name", ["scalar arrow", "applyInArrow", "mapInArrow"])
def test_configurations(
    recorded: Record, both: Players, name: str, conf: dict[str, str], declared: str
) -> None:
    family = next(family for family in ARROW if family.name == name)
    task = recorded(family, conf)
    streams = [
        task.stream(Unit(family.result, family.result == "batch", ("arrays", entry)), declared)
        for entry in ARRAYS
    ]
    both.same(list(ARRAYS), streams)


@every_family
@pytest.mark.parametrize("declared", ["bigint", "string", "struct<a:bigint,b:string>"])
def test_shapes(recorded: Record, both: Players, family: Family, declared: str) -> None:
    task = recorded(family)
    for before in ((), (("arrays", DECLARED[declared]),)):
        streams = [
            task.stream_of(family.wrap(Unit("whole", False, *before, ("shapes", name))), declared)
            for name in SHAPES
        ]
        both.same(list(SHAPES), streams)


@pytest.mark.parametrize("family", TABLE_FAMILIES, ids=str)
@pytest.mark.parametrize("conf", [{}, BY_POSITION, LARGE], ids=["", "by-position", "large"])
@pytest.mark.parametrize("batch", [False, True], ids=["table", "batch"])
def test_tables(
    recorded: Record, both: Players, family: Family, conf: dict[str, str], batch: bool
) -> None:
    """Columns wrong by name, by position or by type; schemas that change from one to the next."""
    task = recorded(family, conf)
    for before in ((), (("tables", "right"),)):
        for declared in ("struct<a:bigint,b:string>", "struct<a:bigint not null,b:string>"):
            streams = [
                task.stream_of(
                    family.wrap(Unit("whole", batch, *before, ("tables", name))), declared
                )
                for name in TABLES
            ]
            both.same(list(TABLES), streams)


def test_every_entry_can_be_made() -> None:
    for table in (arrow_values.ARRAYS, arrow_values.SHAPES, arrow_values.TABLES):
        for make in table.values():
            make()

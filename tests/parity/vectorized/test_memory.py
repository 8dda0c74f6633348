"""Who owns the memory: inputs that users write to or keep, results that they change later."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hydrofoil.tools.parity.families import PANDAS, Family, Unit
from hydrofoil.tools.parity.families import family as named
from hydrofoil.tools.parity.views import see
from parity.replay import Players
from parity.vectorized.conftest import Record

# See tests/conftest.py.
ONE_IN = 13

COLUMNS = (
    "id / 4 AS d",
    "IF(id % 4 = 1, NULL, id) AS i",
    "concat('s', id) AS s",
    "id % 2 = 0 AS b",
    "timestamp_micros(id * 1000003) AS t",
    "CAST(id AS INT) AS small",
    "array(id) AS a",
)

FAMILIES = [family for family in PANDAS if "barrier" not in family.name]
TABLES = [family for family in FAMILIES if family.result == "table"]


def series_of(value: Any) -> Any:
    """A Series of numbers, whatever the family hands over."""
    if isinstance(value, tuple):
        value = value[1]
    return value["n"] if isinstance(value, pd.DataFrame) else value


def frame_of(value: Any) -> Any:
    return value


def _assign_values(value: Any) -> None:
    series_of(value).values[0] = 77


def _assign_numpy(value: Any) -> None:
    series_of(value).to_numpy()[-1:] = 77


def _assign_item(value: Any) -> None:
    series_of(value).iloc[0] = 77


def _assign_float(value: Any) -> None:
    series_of(value).iloc[0] = 0.5


def _assign_null(value: Any) -> None:
    series_of(value).iloc[0] = None


def _add_in_place(value: Any) -> None:
    series = series_of(value)
    series += 1


def _enlarge(value: Any) -> None:
    series_of(value).loc[100] = 1


def _name(value: Any) -> None:
    series_of(value).name = "other"


def _name_index(value: Any) -> None:
    series_of(value).index.name = "rows"


def _set_index(value: Any) -> None:
    series_of(value).index = list("xyzuvwabc")[: len(series_of(value))]


def _attributes(value: Any) -> None:
    series_of(value).attrs["a"] = 1


def _write_flag(value: Any) -> None:
    series_of(value).values.flags.writeable = True


def _sort_values(value: Any) -> None:
    series_of(value).values.sort()


def _fill(value: Any) -> None:
    np.copyto(series_of(value).values, 5)


SERIES_WORKS = [
    _assign_values, _assign_numpy, _assign_item, _assign_float, _assign_null, _add_in_place,
    _enlarge, _name, _name_index, _set_index, _attributes, _write_flag, _sort_values, _fill,
]  # fmt: skip


def _new_column(frame: Any) -> None:
    frame["new"] = frame["n"] * 2


def _replace_column(frame: Any) -> None:
    frame["n"] = 0


def _add_to_column(frame: Any) -> None:
    frame["d"] += 1


def _set_cell(frame: Any) -> None:
    frame.loc[0, "d"] = 99.0


def _set_text(frame: Any) -> None:
    frame.loc[frame.index[:1], "s"] = "changed"


def _set_row(frame: Any) -> None:
    frame.iloc[0, :2] = 5


def _set_values(frame: Any) -> None:
    frame.values[0] = None


def _set_column_values(frame: Any) -> None:
    for name in frame.columns:
        values = frame[name].values
        values[0] = values[1]


def _set_block(frame: Any) -> None:
    frame[["k", "n"]].values[:] = 0


def _delete(frame: Any) -> None:
    del frame["n"]


def _pop(frame: Any) -> None:
    frame.pop("d")


def _insert(frame: Any) -> None:
    frame.insert(0, "first", 1)


def _rename(frame: Any) -> None:
    frame.rename(columns={"n": "m"}, inplace=True)


def _set_columns(frame: Any) -> None:
    frame.columns = [name.upper() for name in frame.columns]


def _set_column_labels(frame: Any) -> None:
    frame.columns.values[0] = "zz"


def _name_columns(frame: Any) -> None:
    frame.columns.name = "letters"


def _reset(frame: Any) -> None:
    frame.set_index("n", inplace=True)


def _sort(frame: Any) -> None:
    frame.sort_values("n", ascending=False, inplace=True)


def _drop(frame: Any) -> None:
    frame.drop(index=frame.index[:1], inplace=True)


def _fill_nulls(frame: Any) -> None:
    frame.fillna(0, inplace=True)


def _clear_list(frame: Any) -> None:
    frame["a"].iloc[0][:] = 7


def _look_up(frame: Any) -> None:
    frame.columns.get_loc("n")
    frame.columns.is_unique  # noqa: B018
    _ = frame.n


def _set_attribute(frame: Any) -> None:
    frame.n = 5
    frame.note = "mine"


FRAME_WORKS = [
    _new_column, _replace_column, _add_to_column, _set_cell, _set_text, _set_row, _set_values,
    _set_column_values, _set_block, _delete, _pop, _insert, _rename, _set_columns,
    _set_column_labels, _name_columns, _reset, _sort, _drop, _fill_nulls, _clear_list, _look_up,
    _set_attribute,
]  # fmt: skip


def changing(family: Family, work: Callable[[Any], None]) -> Unit:
    """Do something to the last value, then tell how all values look, or what was raised."""

    def observe(*values: Any) -> str:
        import warnings

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                work(values[-1])
                done = "done"
            except Exception as error:
                done = f"{type(error).__name__}: {error}"
        warned = [f"{type(warning.message).__name__}: {warning.message}" for warning in caught]
        return f"{done} {warned} {see(*values)}"

    return family.texts(observe)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_changed_series(recorded: Record, both: Players, family: Family) -> None:
    task = recorded(family, columns=COLUMNS)
    streams = [task.stream(changing(family, work), "string") for work in SERIES_WORKS]
    both.same([work.__name__ for work in SERIES_WORKS], streams)


@pytest.mark.parametrize("family", TABLES, ids=str)
def test_changed_frames(recorded: Record, both: Players, family: Family) -> None:
    task = recorded(family, columns=COLUMNS)
    streams = [task.stream(changing(family, work), "string") for work in FRAME_WORKS]
    both.same([work.__name__ for work in FRAME_WORKS], streams)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("rows", ["3", "1", "2"])
def test_kept_inputs(recorded: Record, both: Players, family: Family, rows: str) -> None:
    """Everything handed over before is looked at in each later call, and so are views of it."""

    def keeping() -> Unit:
        kept: list[Any] = []

        def observe(*values: Any) -> str:
            last = values[-1]
            last = last if isinstance(last, tuple) else (last,)
            kept.append((values, [item.values for item in last], [item.iloc[1:] for item in last]))
            return " ".join(see(*value, views, parts) for value, views, parts in kept)

        return family.texts(observe)

    task = recorded(family, {"spark.sql.execution.arrow.maxRecordsPerBatch": rows}, COLUMNS)
    both.same(["kept"], [task.stream(keeping(), "string")])


DECLARED = (
    "struct<k:bigint,n:bigint,d:double,i:bigint,s:string,b:boolean,t:timestamp,small:int,"
    "a:array<bigint>>"
)
FLAT = ("id / 4 AS d", "concat('s', id) AS s", "id % 2 = 0 AS b", "CAST(id AS INT) AS small")
FLAT_DECLARED = "struct<k:bigint,n:bigint,d:double,s:string,b:boolean,small:int>"


def _itself(frame: Any) -> Any:
    return frame


def _reversed(frame: Any) -> Any:
    return frame[::-1]


def _tail(frame: Any) -> Any:
    return frame.iloc[1:]


def _every_other(frame: Any) -> Any:
    return frame.iloc[::2]


def _masked(frame: Any) -> Any:
    return frame[frame["n"] % 2 == 0]


def _selected(frame: Any) -> Any:
    return frame[list(reversed(frame.columns))]


def _assigned(frame: Any) -> Any:
    return frame.assign(d=frame["d"] - frame["d"].mean())


def _changed(frame: Any) -> Any:
    frame["n"] = frame["n"] + 1
    frame.loc[frame.index[:1], "d"] = -1.0
    return frame


def _twice(frame: Any) -> Any:
    return pd.concat([frame, frame])


def _none(frame: Any) -> Any:
    return frame.iloc[:0]


def _transposed_twice(frame: Any) -> Any:
    return frame.T.T


def _shallow(frame: Any) -> Any:
    return frame.copy(deep=False)


def _merged(frame: Any) -> Any:
    return frame.merge(frame[["n"]], on="n")


def _described(frame: Any) -> Any:
    return frame.convert_dtypes()


def _as_object(frame: Any) -> Any:
    return frame.astype(object)


RESULTS = [
    _itself, _reversed, _tail, _every_other, _masked, _selected, _assigned, _changed, _twice, _none,
    _transposed_twice, _shallow, _merged, _described, _as_object,
]  # fmt: skip


@pytest.mark.parametrize("family", TABLES, ids=str)
@pytest.mark.parametrize(
    ("columns", "declared"), [(COLUMNS, DECLARED), (FLAT, FLAT_DECLARED)], ids=["all", "flat"]
)
def test_results_from_inputs(
    recorded: Record, both: Players, family: Family, columns: tuple[str, ...], declared: str
) -> None:
    task = recorded(family, columns=columns)

    def of_last(work: Callable[[Any], Any]) -> Unit:
        return lambda *values: work(values[-1])

    streams = [task.stream_of(family.wrap(of_last(work)), declared) for work in RESULTS]
    both.same([work.__name__ for work in RESULTS], streams)


@pytest.mark.parametrize("name", ["scalar pandas", "scalar pandas iter"])
def test_columns_from_inputs(recorded: Record, both: Players, name: str) -> None:
    works: dict[str, tuple[str, Callable[..., Any]]] = {
        "itself": ("bigint", lambda k, n, *rest: n),
        "reversed": ("bigint", lambda k, n, *rest: n[::-1]),
        "first": ("bigint", lambda k, *rest: k),
        "text": ("string", lambda k, n, d, i, s, *rest: s),
        "nulls": ("bigint", lambda k, n, d, i, *rest: i),
        "nulls as double": ("double", lambda k, n, d, i, *rest: i),
        "times": ("timestamp", lambda k, n, d, i, s, b, t, *rest: t),
        "arrays": ("array<bigint>", lambda *rest: rest[-1]),
        "sum": ("double", lambda k, n, d, i, *rest: n + d + i),
        "frame": (
            "struct<x:bigint,y:double>", lambda k, n, d, *rest: pd.DataFrame({"x": n, "y": d}),
        ),
    }  # fmt: skip
    family = named(name)
    task = recorded(family, columns=COLUMNS)

    def spread(work: Callable[..., Any]) -> Unit:
        return lambda *values: work(*(values[0] if isinstance(values[0], tuple) else values))

    streams = [task.stream(spread(work), declared) for declared, work in works.values()]
    both.same(list(works), streams)


def _same_object(family: Family) -> Callable[..., Any]:
    """One object is filled and returned again and again."""
    series = pd.Series(np.zeros(3, dtype="i8"))
    frame = pd.DataFrame({"made": series})
    count = iter(range(100))

    def unit(*values: Any) -> Any:
        if family.result == "column":
            series.iloc[:] = next(count)
            return series
        frame["made"] = next(count)
        return frame

    return family.wrap(unit)


def _same_memory(family: Family) -> Callable[..., Any]:
    """New objects over one array."""
    array = np.zeros(3, dtype="i8")
    count = iter(range(100))

    def unit(*values: Any) -> Any:
        array[:] = next(count)
        series = pd.Series(array, copy=False)
        return series if family.result == "column" else pd.DataFrame({"made": series}, copy=False)

    return family.wrap(unit)


def _changed_after_yield(family: Family) -> Callable[..., Any]:
    def function(batches: Iterator[Any]) -> Iterator[Any]:
        for number, _ in enumerate(batches):
            array = np.full(3, number)
            series = pd.Series(array, copy=False)
            yield (
                series if family.result == "column" else pd.DataFrame({"made": series}, copy=False)
            )
            array[:] = -1

    return function


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if family.result != "scalar"], ids=str
)
def test_results_changed_later(recorded: Record, both: Players, family: Family) -> None:
    task = recorded(family)
    makers = [_same_object, _same_memory]
    if family.name in ("scalar pandas iter", "mapInPandas"):
        makers.append(_changed_after_yield)
    declared = "bigint" if family.result == "column" else "struct<made:bigint>"
    both.same(
        [make.__name__ for make in makers],
        [task.stream_of(make(family), declared) for make in makers],
    )


@pytest.mark.parametrize("name", ["scalar pandas", "grouped agg pandas", "window pandas"])
def test_one_argument_twice(recorded: Record, both: Players, name: str) -> None:
    """What is one object under stock, and what changes when the first column is written to."""
    family = named(name)

    def observe(*values: Any) -> str:
        same = [[left is right for left in values] for right in values]
        shared = [[np.shares_memory(a.values, b.values) for a in values] for b in values]
        return f"{same} {shared}"

    both.same(["identity"], [recorded(family).stream(family.texts(observe), "string")])

"""THE version table: everything that differs between the versions of Spark, one record for each.

Whoever does something differently on some versions asks a field of the record, and never compares
version numbers. To add a version, add a row to `VERSIONS`; where it differs in a new way, add a
field. ``python -m hydrofoil.spark.versions`` writes the table in `docs/versions.md` from the fields
and their texts; `tests/matrix` checks that each version does what its row says.
"""

import sys
from dataclasses import Field, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from hydrofoil.evals.eval_types import EvalType


def _differs(about: str, text: str) -> dict[str, str]:
    """What the table in the documentation says of a field."""
    return {"about": about, "text": text}


_MESSAGES = "What a worker receives"
_VALUES = "How values are converted"
_ROWS = "Row functions"
_PANDAS = "Functions of pandas"
_ARROW = "Functions of Arrow's objects"
_TABLES = "Table functions"
_WORKER = "The worker itself"
_DRIVER = "The driver"


@dataclass(frozen=True, kw_only=True)
class SparkVersion:
    """One minor version of Spark; the text of each field says what it means.

    Attributes
    ----------
    minor : str
        The version.
    published : str
        The version whose row in `hydrofoil.spark.signatures` PySpark's functions agree with.
    """

    minor: str
    published: str
    fast: frozenset[int] = field(
        metadata=_differs(
            "What is fast", "eval types that have a fast path; all others run on stock's code"
        )
    )

    udfs_are_parsed: bool = field(
        metadata=_differs(
            _MESSAGES,
            "the message is parsed before anything is done: functions are objects then, not a "
            "stream that is read while they are set up",
        )
    )
    confs_are_objects: bool = field(
        metadata=_differs(
            _MESSAGES,
            "configurations come as objects, before the functions; else they are read with the "
            "functions, for eval types on Arrow alone",
        )
    )
    input_type_is_sent: bool = field(
        metadata=_differs(_MESSAGES, "the Spark types of a row function's input on Arrow are sent")
    )
    arguments_have_names: bool = field(
        metadata=_differs(_MESSAGES, "functions of some eval types may have named arguments")
    )
    names_in_all_eval_types: bool = field(
        metadata=_differs(_MESSAGES, "arguments have the same form in all eval types")
    )
    profiler_flag_is_sent: bool = field(
        metadata=_differs(_MESSAGES, "whether to profile is in the stream before the functions")
    )
    result_id_is_sent: bool = field(
        metadata=_differs(_MESSAGES, "each function has an id for profilers, used or not")
    )
    window_bounds_key: str = field(
        metadata=_differs(_MESSAGES, "the configuration that lists the kinds of windows")
    )
    groups_have_an_error_class: bool = field(
        metadata=_differs(
            _MESSAGES, "the error for a group of too many or too few data frames has a class"
        )
    )
    lone_batches: bool = field(
        metadata=_differs(
            _MESSAGES, "groups of one data frame are the batches of one stream, not streams"
        )
    )

    output_is_captured: bool = field(
        metadata=_differs(_WORKER, "prints and log records are captured, with the function's name")
    )
    main_formats_errors: bool = field(
        metadata=_differs(_WORKER, "its `main` formats errors itself")
    )
    batch_size_is_set: bool = field(
        metadata=_differs(
            _WORKER, "a variable says how many results of row functions are pickled together"
        )
    )

    memory_limit_is_a_function: bool = field(
        metadata=_differs(_WORKER, "a function sets the limit of the worker's memory; else `main`")
    )

    wide_offsets: bool = field(
        metadata=_differs(_VALUES, "strings and binary can have 64-bit offsets, by configuration")
    )
    arrow_types_take_zone: bool = field(
        metadata=_differs(_VALUES, "the Arrow type of a declared type is made with a time zone")
    )
    serializer_converts: frozenset[int] = field(
        metadata=_differs(
            _VALUES,
            "eval types whose values the serializer converts, after all functions have been "
            "called for a batch; else stock's function for the task does, function by function",
        )
    )
    has_batch_transformer: bool = field(
        metadata=_differs(
            _VALUES,
            "`ArrowBatchTransformer` flattens, wraps and casts record batches; else serializers do",
        )
    )

    rows_go_through_pandas: bool = field(
        metadata=_differs(
            _ROWS,
            "on Arrow (101) they are converted by pandas: whole numbers with a null among them "
            "arrive as floats, what is not a number becomes null, times are pandas' own",
        )
    )
    rows_can_be_legacy: bool = field(
        metadata=_differs(_ROWS, "a setting has them converted by pandas; that is left to stock")
    )
    rows_without_arguments: bool = field(
        metadata=_differs(_ROWS, "on Arrow (101) they may have no arguments; else stock says so")
    )
    rows_in_threads: bool = field(
        metadata=_differs(_ROWS, "the fast path calls them in threads, where threads are set")
    )

    knows_pandas_3: bool = field(
        metadata=_differs(_PANDAS, "pandas 3 and newer have a fast path; else stock runs them")
    )
    pandas_has_converters: bool = field(
        metadata=_differs(
            _PANDAS, "`pyspark.sql.conversion` converts Series; else methods of the serializer do"
        )
    )
    columns_have_numbers: bool = field(
        metadata=_differs(_PANDAS, "the serializer's converter is given a column's number, too")
    )
    narrow: frozenset[int] = field(
        metadata=_differs(_PANDAS, "eval types that send narrow offsets whatever is configured")
    )
    local_times: str = field(
        metadata=_differs(_PANDAS, "whose rules make local times of timestamps with a zone")
    )
    text_changes_structs: bool = field(
        metadata=_differs(
            _PANDAS, "text or decimals in a struct change how its other fields are converted"
        )
    )
    groups_are_combined: bool = field(
        metadata=_differs(_PANDAS, "a group's batches are joined before they are converted")
    )
    series_are_views: bool = field(
        metadata=_differs(_PANDAS, "a Series of numbers without nulls is a read-only view")
    )
    positions_by_label: bool = field(
        metadata=_differs(
            _PANDAS,
            "columns that go by position are looked up by label, so equal labels are left to stock",
        )
    )
    structs_keep_nullability: bool = field(
        metadata=_differs(
            _PANDAS, "fields of a struct in the answer are nullable only where declared so"
        )
    )
    batches_agree_in_nullability: bool = field(
        metadata=_differs(_PANDAS, "a stream's batches must agree in what is nullable")
    )
    iterators_run_in_stock: bool = field(
        metadata=_differs(
            _PANDAS, "functions of iterators (204, 205) are called by stock's function, with checks"
        )
    )
    plain_iterator_aggregates: bool = field(
        metadata=_differs(
            _PANDAS,
            "aggregates of iterators (217) with named arguments or structs as results fail in "
            "the serializer; that is left to stock",
        )
    )
    pandas_without_arguments: bool = field(
        metadata=_differs(_PANDAS, "functions without arguments have a fast path")
    )
    any_arity: bool = field(
        metadata=_differs(
            _PANDAS,
            "functions of groups, of Arrow's objects too, that declare a different number of "
            "arguments than needed have a fast path; else stock's code says what is wrong",
        )
    )

    map_check: str = field(
        metadata=_differs(_ARROW, "stock's check of what `mapInArrow`'s function returns")
    )
    iterables_by_conf: bool = field(
        metadata=_differs(
            _ARROW,
            "a setting lets map functions return any iterable; else the check always does for "
            "`mapInArrow`",
        )
    )
    group_checks: tuple[str, ...] = field(
        metadata=_differs(
            _ARROW,
            "stock's checks of tables and of batches that `applyInArrow`'s functions return: they "
            "require the very types of the declared columns, which are then chosen by name; "
            "without them results are checked and cast as on the newest version",
        )
    )
    aggregates_in_turn: bool = field(
        metadata=_differs(
            _ARROW, "an array is made of a result before the next aggregate is called"
        )
    )
    windows_need_arguments: bool = field(
        metadata=_differs(
            _ARROW, "aggregates without arguments over unbounded windows are left to stock"
        )
    )

    table_methods_are_bare: bool = field(
        metadata=_differs(
            _TABLES,
            "on Arrow (301) the worker holds a handler's methods as they are; else within "
            "functions that convert their results",
        )
    )
    table_offsets: str = field(
        metadata=_differs(_TABLES, "the worker's variable for the places of the arguments")
    )
    tables_can_stop: bool = field(
        metadata=_differs(
            _TABLES,
            "a method can ask for the end of its input, and has a `cleanup`; else `terminate` is "
            "called even where a call has failed",
        )
    )
    table_rows_are_checked: bool = field(
        metadata=_differs(_TABLES, "rows are searched for nulls where none may be")
    )
    finds_partitions: bool = field(
        metadata=_differs(
            _TABLES, "on record batches (302) stock's code runs, but Arrow finds the partitions"
        )
    )

    dataframe_module: str = field(
        metadata=_differs(_DRIVER, "where the data frames of a session with a JVM are")
    )
    rdd_module: str = field(metadata=_differs(_DRIVER, "where RDDs are"))
    socket_module: str = field(
        metadata=_differs(_DRIVER, "where the functions are that read what the JVM sends")
    )
    clients_convert_as_workers: bool = field(
        metadata=_differs(
            _DRIVER, "Spark Connect's client makes rows as workers make arguments of record batches"
        )
    )
    frames_by_a_function: bool = field(
        metadata=_differs(
            _DRIVER, "`toPandas` has a function that makes a data frame of pandas of Arrow's table"
        )
    )
    frames_of_arrow: bool = field(
        metadata=_differs(_DRIVER, "`createDataFrame` takes Arrow's tables")
    )
    binary_has_setting: bool = field(
        metadata=_differs(
            _DRIVER, "binary values of rows are `bytes` by a setting; else they are `bytearray`"
        )
    )


_OLDEST_PANDAS = {
    EvalType.SQL_SCALAR_PANDAS_UDF,
    EvalType.SQL_GROUPED_MAP_PANDAS_UDF,
    EvalType.SQL_GROUPED_AGG_PANDAS_UDF,
    EvalType.SQL_WINDOW_AGG_PANDAS_UDF,
    EvalType.SQL_SCALAR_PANDAS_ITER_UDF,
    EvalType.SQL_MAP_PANDAS_ITER_UDF,
    EvalType.SQL_COGROUPED_MAP_PANDAS_UDF,
}
_OLDEST = {
    EvalType.SQL_BATCHED_UDF,
    EvalType.SQL_ARROW_BATCHED_UDF,
    EvalType.SQL_MAP_ARROW_ITER_UDF,
    EvalType.SQL_TABLE_UDF,
    *_OLDEST_PANDAS,
}
_OLD_GROUPS_ON_ARROW = {
    EvalType.SQL_GROUPED_MAP_ARROW_UDF,
    EvalType.SQL_COGROUPED_MAP_ARROW_UDF,
}
_OLD_COLUMNS_ON_ARROW = {
    EvalType.SQL_SCALAR_ARROW_UDF,
    EvalType.SQL_SCALAR_ARROW_ITER_UDF,
    EvalType.SQL_GROUPED_AGG_ARROW_UDF,
    EvalType.SQL_WINDOW_AGG_ARROW_UDF,
}

_V43 = SparkVersion(
    minor="4.3",
    published="4.3",
    fast=frozenset(
        {
            *_OLDEST,
            *_OLD_GROUPS_ON_ARROW,
            *_OLD_COLUMNS_ON_ARROW,
            EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
            EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF,
            EvalType.SQL_GROUPED_MAP_ARROW_ITER_UDF,
            EvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF,
            EvalType.SQL_ARROW_TABLE_UDF,
        }
    ),
    udfs_are_parsed=True,
    confs_are_objects=True,
    input_type_is_sent=True,
    arguments_have_names=True,
    names_in_all_eval_types=True,
    profiler_flag_is_sent=False,
    result_id_is_sent=True,
    window_bounds_key="window_bound_types",
    groups_have_an_error_class=True,
    lone_batches=False,
    output_is_captured=True,
    main_formats_errors=False,
    batch_size_is_set=True,
    memory_limit_is_a_function=True,
    wide_offsets=True,
    arrow_types_take_zone=True,
    serializer_converts=frozenset(),
    has_batch_transformer=True,
    rows_go_through_pandas=False,
    rows_can_be_legacy=True,
    rows_without_arguments=True,
    rows_in_threads=True,
    knows_pandas_3=True,
    pandas_has_converters=True,
    columns_have_numbers=False,
    narrow=frozenset({EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF}),
    local_times="Arrow's",
    text_changes_structs=True,
    groups_are_combined=True,
    series_are_views=False,
    positions_by_label=False,
    structs_keep_nullability=False,
    batches_agree_in_nullability=False,
    iterators_run_in_stock=False,
    plain_iterator_aggregates=False,
    pandas_without_arguments=True,
    any_arity=True,
    map_check="verify_return_type",
    iterables_by_conf=True,
    group_checks=(),
    aggregates_in_turn=False,
    windows_need_arguments=False,
    table_methods_are_bare=True,
    table_offsets="args_kwargs_offsets",
    tables_can_stop=True,
    table_rows_are_checked=True,
    finds_partitions=True,
    dataframe_module="pyspark.sql.classic.dataframe",
    rdd_module="pyspark.core.rdd",
    socket_module="pyspark.util",
    clients_convert_as_workers=True,
    frames_by_a_function=True,
    frames_of_arrow=True,
    binary_has_setting=True,
)

_V42 = replace(
    _V43,
    minor="4.2",
    published="4.2",
    udfs_are_parsed=False,
    serializer_converts=frozenset(
        {
            *(_OLDEST_PANDAS - {EvalType.SQL_GROUPED_MAP_PANDAS_UDF}),
            EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
            EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF,
        }
    ),
    narrow=frozenset(
        {
            EvalType.SQL_GROUPED_AGG_PANDAS_UDF,
            EvalType.SQL_WINDOW_AGG_PANDAS_UDF,
            EvalType.SQL_COGROUPED_MAP_PANDAS_UDF,
            EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
            EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF,
        }
    ),
    iterators_run_in_stock=True,
    plain_iterator_aggregates=True,
    map_check="verify_result",
    iterables_by_conf=False,
    group_checks=("verify_arrow_table", "verify_arrow_batch"),
    table_methods_are_bare=False,
    finds_partitions=False,
)

_V41 = replace(
    _V42,
    minor="4.1",
    published="4.1",
    frames_by_a_function=False,
    fast=_V42.fast
    - {EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF, EvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF},
    confs_are_objects=False,
    names_in_all_eval_types=False,
    profiler_flag_is_sent=True,
    result_id_is_sent=False,
    arrow_types_take_zone=False,
    serializer_converts=frozenset(
        {
            *_OLDEST_PANDAS,
            *_OLD_COLUMNS_ON_ARROW,
            EvalType.SQL_ARROW_BATCHED_UDF,
            EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
        }
    ),
    has_batch_transformer=False,
    rows_in_threads=False,
    knows_pandas_3=False,
    pandas_has_converters=False,
    columns_have_numbers=True,
    narrow=frozenset(
        {
            EvalType.SQL_GROUPED_MAP_PANDAS_UDF,
            EvalType.SQL_COGROUPED_MAP_PANDAS_UDF,
            EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
        }
    ),
    local_times="pandas'",
    text_changes_structs=False,
    groups_are_combined=False,
    series_are_views=True,
    positions_by_label=True,
    structs_keep_nullability=True,
    plain_iterator_aggregates=False,
    pandas_without_arguments=False,
    any_arity=False,
    map_check="wrap_arrow_batch_iter_udf",
    aggregates_in_turn=True,
    windows_need_arguments=True,
)

_V40 = replace(
    _V41,
    minor="4.0",
    published="4.0",
    fast=frozenset({*_OLDEST, *_OLD_GROUPS_ON_ARROW}),
    binary_has_setting=False,
    input_type_is_sent=False,
    window_bounds_key="pandas_window_bound_types",
    lone_batches=True,
    output_is_captured=False,
    serializer_converts=frozenset({*_OLDEST_PANDAS, EvalType.SQL_ARROW_BATCHED_UDF}),
    rows_go_through_pandas=True,
    rows_can_be_legacy=False,
    columns_have_numbers=False,
    narrow=_V41.narrow - {EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF},
    structs_keep_nullability=False,
    batches_agree_in_nullability=True,
    group_checks=("verify_arrow_result", "verify_arrow_result"),
    aggregates_in_turn=False,
    windows_need_arguments=False,
)

_V35 = replace(
    _V40,
    minor="3.5",
    published="3.5",
    fast=frozenset(_OLDEST),
    arguments_have_names=False,
    profiler_flag_is_sent=False,
    groups_have_an_error_class=False,
    main_formats_errors=True,
    batch_size_is_set=False,
    memory_limit_is_a_function=False,
    wide_offsets=False,
    rows_without_arguments=False,
    narrow=frozenset(),
    local_times="stock's",
    group_checks=(),
    table_offsets="arg_offsets",
    tables_can_stop=False,
    table_rows_are_checked=False,
    dataframe_module="pyspark.sql.dataframe",
    rdd_module="pyspark.rdd",
    socket_module="pyspark.rdd",
    clients_convert_as_workers=False,
    frames_of_arrow=False,
)

VERSIONS = {version.minor: version for version in (_V43, _V42, _V41, _V40, _V35)}


def installed_minor() -> str:
    """The installed PySpark's minor version."""
    import pyspark

    return ".".join(pyspark.__version__.split(".")[:2])


@cache
def installed_version() -> SparkVersion | None:
    """The installed PySpark's row, or None, with one warning, if the table has none."""
    import pyspark

    version = VERSIONS.get(installed_minor())
    if version is None:
        print(
            f"hydrofoil: PySpark {pyspark.__version__} is not one of the versions that this "
            f"release speeds up ({', '.join(VERSIONS)}); everything runs on stock PySpark's code",
            file=sys.stderr,
        )
    return version


# --- The table in the documentation ---------------------------------------------------------------

PAGE = Path("docs/versions.md")
BEGIN = "<!-- Made by `python -m hydrofoil.spark.versions`; edit the records there. -->\n"
END = "<!-- End of the made table. -->\n"


def table() -> str:
    """The records as a table of Markdown, oldest version first."""
    versions = list(reversed(VERSIONS.values()))
    lines = [
        f"| | {' | '.join(version.minor for version in versions)} |",
        f"| --- {'| --- ' * len(versions)}|",
    ]
    about = ""
    for each in fields(SparkVersion):
        if not each.metadata:
            continue
        if each.metadata["about"] != about:
            about = each.metadata["about"]
            lines.append(f"| **{about}** {'| ' * len(versions)}|")
        cells = [_cell(getattr(version, each.name)) for version in versions]
        lines.append(f"| {_said(each)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _said(each: "Field[Any]") -> str:
    return f"`{each.name}`: {each.metadata['text']}"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, frozenset):
        return ", ".join(str(int(code)) for code in sorted(value))
    if isinstance(value, tuple):
        return ", ".join(f"`{name}`" for name in dict.fromkeys(value))
    text = str(value)
    return f"`{text}`" if "_" in text else text


def with_table(page: str) -> str:
    """The page with the table as it should be between the two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")

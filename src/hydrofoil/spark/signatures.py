"""THE table of PySpark's own functions that Hydrofoil exchanges or calls, and a check of them.

Some platforms ship a PySpark that is not the published one: functions have other parameters, other
names, or are gone. What Hydrofoil knows of a function it knows by its parameters, so where one
differs Hydrofoil leaves everything to stock's worker. `tests/matrix` compares the table with the
published versions, and with what the sources name.

A function is written as its parameters: ``name`` where it has no default, ``name=`` where it has
one. `CLASS` stands for a class.
"""

import inspect
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from hydrofoil.errors import UnsupportedError

CLASS = "class"
UNKNOWN = "?"

WORKER = "pyspark.worker"
DAEMON = "pyspark.daemon"
_CONVERSION = "pyspark.sql.conversion"
_SERIALIZERS = "pyspark.sql.pandas.serializers"

Functions = Mapping[str, str]

_OF_ALL = {
    "main": "infile, outfile",
    "chain": "f, g",
    "fail_on_stopiteration": "f",
    "read_command": "serializer, file",
    "verify_pandas_result": "result, return_type, assign_cols_by_name, truncate_return_schema",
    "_parse_datatype_json_string": "json_string",
}
_BY_NAME_OR_PLACE = "f, args_offsets, kwargs_offsets, return_type, runner_conf"
_OF_GROUPS = "f, return_type, argspec, runner_conf"
_OF_WINDOWS = f"{_BY_NAME_OR_PLACE}, udf_index"
_CHECKED = "assign_cols_by_name, expected_cols_and_types"
_TO_41 = {
    "write_int": "value, stream",
    "read_udfs": "pickleSer, infile, eval_type",
    "read_udtf": "pickleSer, infile, eval_type",
}
_SINCE_40 = {
    "handle_worker_exception": "e, outfile, hide_traceback=",
    "SkipRestOfInputTableException": CLASS,
    "setup_memory_limits": "memory_limit_mb",
}
_WRAPPERS_SINCE_40 = {
    "wrap_udf": "f, args_offsets, kwargs_offsets, return_type",
    "wrap_scalar_pandas_udf": _BY_NAME_OR_PLACE,
    "wrap_pandas_batch_iter_udf": "f, return_type, runner_conf",
    "wrap_cogrouped_map_pandas_udf": _OF_GROUPS,
    "wrap_grouped_agg_pandas_udf": _BY_NAME_OR_PLACE,
    "wrap_window_agg_pandas_udf": _OF_WINDOWS,
    "wrap_cogrouped_map_arrow_udf": _OF_GROUPS,
}
_WRAPPERS_40_AND_41 = {
    "wrap_arrow_batch_udf": _BY_NAME_OR_PLACE,
    "wrap_arrow_batch_iter_udf": "f, return_type, runner_conf",
    "wrap_grouped_map_pandas_udf": _OF_GROUPS,
    "wrap_grouped_map_arrow_udf": _OF_GROUPS,
    "use_large_var_types": "runner_conf",
}

_WORKERS: dict[str, Functions] = {
    "3.5": {
        **_OF_ALL,
        **_TO_41,
        "local_connect_and_auth": "port, auth_secret",
        "read_single_udf": "pickleSer, infile, eval_type, runner_conf, udf_index",
        "try_simplify_traceback": "tb",
        "to_arrow_type": "dt",
        "wrap_udf": "f, return_type",
        "wrap_arrow_batch_udf": "f, return_type",
        "wrap_scalar_pandas_udf": "f, return_type",
        "wrap_pandas_batch_iter_udf": "f, return_type",
        "wrap_cogrouped_map_pandas_udf": _OF_GROUPS,
        "wrap_grouped_map_pandas_udf": _OF_GROUPS,
        "wrap_grouped_agg_pandas_udf": "f, return_type",
        "wrap_window_agg_pandas_udf": "f, return_type, runner_conf, udf_index",
        "wrap_arrow_batch_iter_udf": "f, return_type",
    },
    "4.0": {
        **_OF_ALL,
        **_TO_41,
        **_SINCE_40,
        **_WRAPPERS_SINCE_40,
        **_WRAPPERS_40_AND_41,
        "local_connect_and_auth": "port, auth_secret",
        "read_single_udf": "pickleSer, infile, eval_type, runner_conf, udf_index, profiler",
        "to_arrow_type": "dt, error_on_duplicated_field_names_in_struct=, timestamp_utc=, "
        "prefers_large_types=",
        "verify_arrow_result": f"table, {_CHECKED}",
    },
    "4.1": {
        **_OF_ALL,
        **_TO_41,
        **_SINCE_40,
        **_WRAPPERS_SINCE_40,
        **_WRAPPERS_40_AND_41,
        "capture_outputs": "context_provider=",
        "local_connect_and_auth": "conn_info, auth_secret",
        "read_single_udf": "pickleSer, infile, eval_type, runner_conf, udf_index, profiler",
        "to_arrow_type": "dt, error_on_duplicated_field_names_in_struct=, timestamp_utc=, "
        "prefers_large_types=",
        "use_legacy_pandas_udf_conversion": "runner_conf",
        "verify_arrow_batch": f"batch, {_CHECKED}",
        "verify_arrow_table": f"table, {_CHECKED}",
        "wrap_grouped_map_pandas_iter_udf": _OF_GROUPS,
        "wrap_grouped_map_arrow_iter_udf": _OF_GROUPS,
        "wrap_scalar_arrow_udf": _BY_NAME_OR_PLACE,
        "wrap_arrow_array_iter_udf": "f, return_type, runner_conf",
        "wrap_grouped_agg_arrow_udf": _BY_NAME_OR_PLACE,
        "wrap_window_agg_arrow_udf": _OF_WINDOWS,
    },
    "4.2": {
        **_OF_ALL,
        **_SINCE_40,
        **_WRAPPERS_SINCE_40,
        "capture_outputs": "context_provider=",
        "read_udfs": "pickleSer, infile, eval_type, runner_conf, eval_conf",
        "read_udtf": "pickleSer, infile, eval_type, runner_conf, eval_conf",
        "read_single_udf": "pickleSer, infile, eval_type, runner_conf, udf_index",
        "to_arrow_type": "dt, error_on_duplicated_field_names_in_struct=, timezone=, "
        "prefers_large_types=",
        "verify_arrow_batch": f"batch, {_CHECKED}",
        "verify_arrow_table": f"table, {_CHECKED}",
        "verify_result": "expected_type",
        "verify_iterator_exhausted": "iterator, error_class",
        "verify_output_row_limit": "iterator, max_rows, error_class",
        "wrap_grouped_map_pandas_iter_udf": _OF_GROUPS,
        "wrap_grouped_agg_pandas_iter_udf": _BY_NAME_OR_PLACE,
        "ArrowBatchTransformer": CLASS,
        "EvalConf": CLASS,
        "RunnerConf": CLASS,
    },
    "4.3": {
        **_OF_ALL,
        **_SINCE_40,
        "capture_outputs": "context_provider=",
        "read_udfs": "pickleSer, udf_info_list, eval_type, runner_conf, eval_conf",
        "read_udtf": "pickleSer, udtf_info, eval_type, runner_conf, eval_conf",
        "read_single_udf": "pickleSer, udf_info, eval_type, runner_conf, udf_index",
        "to_arrow_type": "dt, error_on_duplicated_field_names_in_struct=, timezone=, "
        "prefers_large_types=",
        "verify_return_type": "result, expected_type",
        "verify_iter_result_row_count": "iterator, expected_rows",
        "verify_iterator_exhausted": "iterator",
        "verify_output_row_limit": "iterator, max_rows",
        "ArrowBatchTransformer": CLASS,
        "EvalConf": CLASS,
        "RunnerConf": CLASS,
        "WorkerInitInfo": CLASS,
    },
}

_SERIES = "ArrowStreamPandasSerializer"
_CREATED = "self, series, arrow_type, spark_type=, arrow_cast="
_SERIALIZERS_TO_40 = {
    f"{_SERIES}._create_array": _CREATED,
    f"{_SERIES}._create_batch": "self, series",
    f"{_SERIES}.arrow_to_pandas": "self, arrow_column, struct_in_pandas=, ndarray_as_list=",
    "ArrowStreamPandasUDFSerializer._create_batch": "self, series",
    "ArrowStreamPandasUDFSerializer.arrow_to_pandas": "self, arrow_column",
}
_CONVERTERS = "ArrowTableToRowsConversion._create_converter"
_CONVERTED = "dataType, none_on_identity=, binary_as_bytes="
_CONVERSION_42 = {
    _CONVERTERS: _CONVERTED,
    "ArrowTableToRowsConversion._to_pylist": "column",
    "ArrowBatchTransformer.flatten_struct": "batch, column_index=",
    "ArrowBatchTransformer.wrap_struct": "batch",
    "ArrowBatchTransformer.enforce_schema": "batch, arrow_schema, arrow_cast=, safecheck=",
    "ArrowBatchTransformer.to_pandas": "batch, timezone, schema=, struct_in_pandas=, "
    "ndarray_as_list=, prefer_int_ext_dtype=, df_for_struct=",
    "ArrowArrayToPandasConversion.convert": "arr, spark_type, ser_name=, timezone=, "
    "struct_in_pandas=, ndarray_as_list=, prefer_int_ext_dtype=, df_for_struct=",
    "PandasToArrowConversion.convert": "data, schema, timezone=, safecheck=, arrow_cast=, "
    "prefers_large_types=, assign_cols_by_name=, int_to_decimal_coercion_enabled=, "
    "ignore_unexpected_complex_type_values=, is_legacy=",
}

# By version, what else is called for a batch.
_OTHERS: dict[str, dict[str, Functions]] = {
    "3.5": {_SERIALIZERS: _SERIALIZERS_TO_40},
    "4.0": {_SERIALIZERS: _SERIALIZERS_TO_40},
    "4.1": {
        _SERIALIZERS: {
            f"{_SERIES}._create_array": _CREATED,
            f"{_SERIES}._create_batch": "self, series",
            "ArrowStreamPandasUDFSerializer._create_batch": "self, series",
            "ArrowStreamPandasUDFSerializer.arrow_to_pandas": "self, arrow_column, idx",
            "ArrowStreamArrowUDFSerializer._create_array": "self, arr, arrow_type, arrow_cast",
        },
        _CONVERSION: {_CONVERTERS: _CONVERTED},
    },
    "4.2": {_CONVERSION: _CONVERSION_42},
    "4.3": {
        _CONVERSION: {
            **_CONVERSION_42,
            "ArrowBatchTransformer.enforce_schema": "batch, arrow_schema, arrow_cast=, "
            "safecheck=, reorder_by_name=",
        }
    },
}

_MANAGER = {"manager": "", "worker": "sock, authenticated"}
_WITH_MAIN = {**_MANAGER, "worker_main": "infile, outfile"}
_DAEMONS: dict[str, Functions] = {
    "3.5": _WITH_MAIN,
    "4.0": _WITH_MAIN,
    "4.1": _WITH_MAIN,
    "4.2": _MANAGER,
    "4.3": _MANAGER,
}

TABLE: dict[str, dict[str, Functions]] = {
    minor: {WORKER: functions, DAEMON: _DAEMONS[minor], **_OTHERS[minor]}
    for minor, functions in _WORKERS.items()
}


class UnknownPySpark(UnsupportedError):
    """The installed PySpark is not the published one, in what Hydrofoil touches of it."""

    hint: str


def check_worker(minor: str, worker: ModuleType) -> None:
    """Compare with the table what is exchanged and called of a worker.

    Parameters
    ----------
    minor : str
        The version, as in the table.
    worker : module
        A copy of ``pyspark.worker``.

    Raises
    ------
    UnknownPySpark
        A function is missing, or has other parameters.
    """
    for name, functions in TABLE[minor].items():
        if name != DAEMON:
            _compare(name, worker if name == WORKER else import_module(name), functions)


def check_daemon(minor: str, daemon: ModuleType) -> None:
    """Compare with the table what Hydrofoil's daemon uses of ``pyspark.daemon``.

    Raises
    ------
    UnknownPySpark
        As `check_worker`.
    """
    _compare(DAEMON, daemon, TABLE[minor][DAEMON])


def parameters(function: object) -> str:
    """Return a function as the table has it."""
    if inspect.isclass(function):
        return CLASS
    if not callable(function):
        return type(function).__name__
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # It is compiled, and says nothing of itself.
        return UNKNOWN
    stars: dict[object, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    return ", ".join(
        stars.get(parameter.kind, "")
        + parameter.name
        + ("" if parameter.default is parameter.empty else "=")
        for parameter in signature.parameters.values()
    )


def _compare(module_name: str, module: ModuleType, functions: Functions) -> None:
    for name, expected in functions.items():
        found: object = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is None:
            raise _unknown(f"it has no {module_name}.{name}")
        actual = parameters(found)
        if actual != expected:
            raise _unknown(
                f"its {module_name}.{name} is {_in_words(actual)}, not {_in_words(expected)}"
            )


def _in_words(signature: str) -> str:
    words = {CLASS: "a class", UNKNOWN: "compiled, without parameters that can be read"}
    return words.get(signature, f"({signature})")


def _unknown(what: str) -> UnknownPySpark:
    import pyspark

    return UnknownPySpark(
        f"this PySpark {pyspark.__version__} is not as published: {what}",
        "nothing has to be done; the published PySpark of this version would be sped up",
    )

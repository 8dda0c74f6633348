"""Rows of a Spark Connect client: what the server sends are record batches already."""

from collections.abc import Callable
from typing import Any

from hydrofoil.driver import paths
from hydrofoil.spark.stock.conversion import options
from hydrofoil.spark.versions import installed_version
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.rows.reading import RowReader

CALL = "collect, Spark Connect"


def make_convert(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `ArrowTableToRowsConversion.convert`."""

    def convert(table: Any, schema: Any, **how: Any) -> Any:
        version = installed_version()
        assert version is not None, "the switch has asked"
        reason = _why_stock(how) if schema.fields else "no columns"
        if not reason:
            reader = RowReader(
                schema,
                table.schema,
                options(
                    binary_as_bytes=how.get("binary_as_bytes", version.binary_has_setting),
                    wide_offsets=False,
                    row_attributes=False,
                ),
            )
            reason = reader.slow_columns
        if not reason:
            rows: list[Any] = []
            try:
                for batch in table.to_batches():
                    rows += reader.rows(batch, strict=True)
            except ValueError as error:
                reason = str(error)
            else:
                paths.took(CALL, paths.FAST, "", len(rows))
                return rows
        paths.took(CALL, paths.STOCK, reason)
        return original(table, schema, **how)

    return convert


def _why_stock(how: dict[str, Any]) -> str:
    unknown = how.keys() - {"binary_as_bytes", "return_as_tuples"}
    if unknown or how.get("return_as_tuples"):
        return "no rows are asked for"
    replaced = replaced_class()
    return f"{replaced} is replaced" if replaced is not None else ""

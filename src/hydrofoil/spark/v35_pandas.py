"""Spark 3.5's pandas eval types: as 4.0's, but for timestamps and wide offsets."""

from typing import Any

import pyarrow as pa

from hydrofoil._cext.arrays.read import ArrayReader
from hydrofoil.spark.v40_pandas import PandasTask40


class PandasTask35(PandasTask40):
    """One task of a pandas eval type."""

    def _large_var_types(self) -> bool:
        return False

    def _declared(self, spark_type: Any) -> pa.DataType:
        return self.worker.to_arrow_type(spark_type)

    def _timestamps(self, zone: str) -> ArrayReader | None:
        # They keep Arrow's unit.
        return None

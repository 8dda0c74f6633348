"""Spark 4.2's pandas eval types: its own checks of results, where they are not those of 4.3."""

from collections.abc import Iterator
from typing import Any

from hydrofoil.spark.v43_pandas import PandasTask


class PandasTask42(PandasTask):
    """One task of a pandas eval type."""

    def _checked_frames(self, results: Any) -> Iterator[Any]:
        checks = self.worker.wrap_pandas_batch_iter_udf(
            lambda returned: returned, self.udfs[0].return_type, self.conf
        )
        return (result for result, _ in checks(results))

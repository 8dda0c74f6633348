"""`hydrofoil.failed_rows`: the counts of rows that functions went on without."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hydrofoil.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class FailedRows:
    """What a query's tasks that have ended say of one of its functions.

    Attributes
    ----------
    query : int or str
        The number of the query, as in Spark's UI; of what is no query, that of its RDD.
    function, file, line
        Its name and where it is written.
    on_error : str
        What becomes of its errors: ``"null"`` or ``"quarantine"``.
    rows : int
        Rows that it was called for.
    errors : dict of str to int
        Rows that have failed, by the class of the error.
    table : str or None
        Where quarantined rows are.
    """

    query: int | str
    function: str
    file: str
    line: int
    on_error: str
    rows: int
    errors: dict[str, int] = field(default_factory=dict)
    table: str | None = None

    @property
    def failed(self) -> int:
        """Rows that have failed."""
        return sum(self.errors.values())


def failed_rows(spark: "SparkSession") -> list[FailedRows]:
    """The counts of functions with ``on_error``, of the newest 64 queries, oldest first.

    Raises
    ------
    UsageError
        The session is a Spark Connect client's, which workers' reports don't arrive at.
    """
    if not hasattr(spark, "_sc"):
        raise UsageError(
            "a Spark Connect client has no counts of failed rows",
            hint="the executors' logs say how many rows of each task have failed",
        )
    from hydrofoil.reports.received import received

    return [
        FailedRows(query, name, file, line, on_error, counts.rows, dict(counts.errors), table)
        for query, functions in received().queries().items()
        for (name, file, line, on_error, table), counts in functions.items()
    ]

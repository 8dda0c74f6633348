"""Which family plans a task: by the eval table, and by what its version's record says."""

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.families import rows, tables
from hydrofoil.spark.families.arrow import plan as arrow
from hydrofoil.spark.stock.conf import Conf
from hydrofoil.spark.stock.pipeline import Pipeline
from hydrofoil.spark.stock.task import TableTask, Task
from hydrofoil.spark.stock.worker import StockWorker
from hydrofoil.spark.versions import SparkVersion


class FamilyPlans:
    """The plans of all families; see `hydrofoil.spark.stock.worker.Plans`."""

    def declined(self, version: SparkVersion, eval_type: int, conf: Conf) -> str:
        """Why stock has to run a task of this configuration; empty if nothing speaks for it."""
        if EVAL_TYPES[eval_type].fast_path == "batched":
            return rows.declined(version, conf)
        return ""

    def plan(self, task: Task) -> Pipeline:
        """What runs a task instead of stock's pipeline.

        Raises
        ------
        StaysStock
            If stock has to run it.
        """
        path = EVAL_TYPES[task.eval_type].fast_path
        if path == "pickled":
            return rows.pickled(task)
        if path == "batched":
            return rows.on_arrow(task)
        if path == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.families.pandas import plan as frames

            return frames.plan(task)
        return arrow.plan(task)

    def plan_table(self, task: TableTask) -> Pipeline:
        """As `plan`, for a table function."""
        return tables.plan(task)


def planning_worker(version: SparkVersion) -> StockWorker:
    """Stock's worker, with the families' plans in it.

    Raises
    ------
    UnknownPySpark
        Stock's worker is not the published one.
    """
    return StockWorker(version, FamilyPlans())

"""The end-to-end results as a table for the terminal."""

from rich.table import Table

from hydrofoil.bench.group_runner import GroupResult
from hydrofoil.bench.groups import GROUP_SIZE
from hydrofoil.bench.runner import WorkloadResult
from hydrofoil.bench.workloads import ARROW, PICKLED

CAPTION = (
    "Medians of wall clock and CPU time. MB/s: bytes of the column and of its result, as Arrow "
    "holds them. Exchange: the share of Python's CPU time that is not the function itself."
)


def as_table(result: WorkloadResult) -> Table:
    """One row for each engine."""
    table = Table(title=f"{result.workload}, {result.engines[0].rows:,} rows", caption=CAPTION)
    table.add_column("engine")
    for heading in (
        "M rows/s",
        "MB/s",
        "JVM ns/row",
        "Python ns/row",
        "exchange",
        "x row Arrow",
        "x row pickled",
    ):
        table.add_column(heading, justify="right")
    for engine in result.engines:
        table.add_row(
            engine.engine,
            f"{engine.rows_per_second / 1e6:.2f}",
            f"{engine.rows_per_second * result.bytes_per_row / 1e6:,.0f}",
            f"{engine.jvm_ns:,.0f}",
            f"{engine.python_ns:,.0f}",
            f"{engine.exchange_share:.0%}",
            _times(result.speedup(engine, ARROW)),
            _times(result.speedup(engine, PICKLED)),
            style="bold" if "Hydrofoil" in engine.engine else None,
        )
    return table


def groups_as_table(results: list[GroupResult]) -> Table:
    """One row for each workload and engine."""
    groups = results[0].groups
    table = Table(
        title=f"{groups:,} groups of {GROUP_SIZE} rows",
        caption="Medians of wall clock and CPU time.",
    )
    table.add_column("workload")
    table.add_column("engine")
    for heading in (
        "seconds",
        "k groups/s",
        "JVM µs/group",
        "Python µs/group",
        "x stock",
        "target",
    ):
        table.add_column(heading, justify="right")
    for result in results:
        for engine in result.samples:
            ours = engine == "Hydrofoil"
            target = f">= {result.target:.1f}" if ours and result.target is not None else ""
            table.add_row(
                result.workload,
                engine,
                f"{result.wall(engine):.2f}",
                f"{groups / result.wall(engine) / 1e3:,.1f}",
                f"{result.jvm_us(engine):,.1f}",
                f"{result.python_us(engine):,.1f}",
                f"{result.speedup:.2f}" if ours else "",
                target,
                style="bold" if ours else None,
            )
    return table


def _times(factor: float | None) -> str:
    return "" if factor is None else f"{factor:.2f}"

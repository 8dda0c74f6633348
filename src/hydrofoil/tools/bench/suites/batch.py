"""Records a batch, from 100 to 1,000,000: what Spark's setting for it is worth."""

from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.suites import rows as row_suite
from hydrofoil.tools.bench.ways import ARROW, OURS
from hydrofoil.tools.page.charts import Lines
from hydrofoil.tools.sheet import Sheet

_KEY = "spark.sql.execution.arrow.maxRecordsPerBatch"
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
_DEFAULT = 10_000
_ROWS = 2_000_000
_WAYS = (ARROW, OURS, "pandas_udf (stock)", "pandas_udf (Hydrofoil)")


def _contest(workload: str, rows: int) -> Contest:
    """All ways with all sizes, each of them a contestant."""
    made = row_suite.WORKLOADS[workload].contest(_WAYS, rows)
    return Contest(
        made.name,
        made.data,
        made.rows,
        [
            Contestant(f"{each.name}, {size}", each.engine, each.query, conf={_KEY: str(size)})
            for size in SIZES
            for each in made.contestants
        ],
    )


def workloads() -> list[str]:
    """What --workload can choose."""
    return ["long", "string"]


def run(bench: Bench) -> Result:
    by_value(row_suite.__name__)
    names = bench.chosen("batch", workloads())
    done = list(bench.measure_all([_contest(name, bench.rows(_ROWS)) for name in names]))
    result = Result("batch", "")
    for one in done:
        result.sheets.append(_sheet(one))
        rates = {
            way: [one.rows_per_s(f"{way}, {size}").scaled(1e-6) for size in SIZES] for way in _WAYS
        }
        result.charts.append(
            Lines(
                f"{one.name}: rows a second by records a batch",
                SIZES,
                {way: [rate.median for rate in found] for way, found in rates.items()},
                "records a batch",
                "M rows/s",
                log_y=False,
                spread={w: [(r.low, r.high) for r in found] for w, found in rates.items()},
                strong=(OURS,),
            )
        )
        for record in one.records("batch"):
            way, _, size = str(record["engine"]).rpartition(", ")
            result.records.append({**record, "engine": way, "records_per_batch": int(size)})
    result.headline = "; ".join(map(_best, done)) + "."
    return result


def _best(one: Measured) -> str:
    best = max(SIZES, key=lambda size: one.rows_per_s(f"{OURS}, {size}").median)
    factor = one.factor(f"{OURS}, {best}", f"{OURS}, {_DEFAULT}")
    return (
        f"{one.name}: Hydrofoil's plain UDFs are fastest with {best:,} records a batch, "
        f"{factor} times Spark's default of {_DEFAULT:,}"
    )


def _sheet(one: Measured) -> Sheet:
    lines = []
    for size in SIZES:
        cells = [f"{size:,}"]
        for way in _WAYS:
            name = f"{way}, {size}"
            cells += [number(one.rows_per_s(name).median / 1e6), one.wall(name).percent()]
        lines.append([*cells, str(one.factor(f"{OURS}, {size}", f"{ARROW}, {size}"))])
    columns = ["records a batch"]
    for way in _WAYS:
        columns += [way, "spread"]
    return Sheet(
        f"{one.name}: {one.contest.rows:,} rows",
        [*columns, "x row Arrow"],
        lines,
        f"M rows/s. {_KEY} is set for each query; Spark may make smaller batches by other limits.",
    )

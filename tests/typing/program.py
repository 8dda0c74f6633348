"""A user's program, checked with ``mypy --strict`` and never run."""

from pyspark.sql import SparkSession
from typing_extensions import assert_type

import hydrofoil
from hydrofoil.decorators.function import SparkFunction

assert_type(hydrofoil.__version__, str)

builder = hydrofoil.configure(SparkSession.builder.appName("job"))
assert_type(builder, SparkSession.Builder)
assert_type(builder.getOrCreate(), SparkSession)
assert_type(hydrofoil.session(), SparkSession)

hydrofoil.configure("job")  # type: ignore[arg-type]


@hydrofoil.udf(on_error="quarantine", quarantine="/table", max_errors="1%")
def parse(s: str) -> int:
    return int(s)


assert_type(parse, SparkFunction)
assert_type([one.failed for one in hydrofoil.failed_rows(hydrofoil.session())], list[int])
hydrofoil.udf(on_error="ignore")  # type: ignore[call-overload]
hydrofoil.log("a row", "WARNING")

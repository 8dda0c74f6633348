"""A user's program, checked with ``mypy --strict`` and never run."""

from pyspark.sql import SparkSession
from typing_extensions import assert_type

import hydrofoil

assert_type(hydrofoil.__version__, str)

builder = hydrofoil.configure(SparkSession.builder.appName("job"))
assert_type(builder, SparkSession.Builder)
assert_type(builder.getOrCreate(), SparkSession)
assert_type(hydrofoil.session(), SparkSession)

hydrofoil.configure("job")  # type: ignore[arg-type]

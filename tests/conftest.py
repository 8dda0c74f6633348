"""What all tests share: one real local Spark a pytest session, and the engines to run it with."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import pandas
import pytest
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from hydrofoil.driver import switch
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.spark.versions import VERSIONS, installed_minor
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_engine
from hydrofoil.tools.parity.session import CONF

TESTS = Path(__file__).parent
# Which of the versions this is.
VERSION = [*VERSIONS].index(installed_minor()) + int(pandas.__version__.startswith("3."))
OLDER = installed_minor() != next(iter(VERSIONS))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

SPARK_CONF = {**CONF, "spark.sql.shuffle.partitions": "2"}
if memory := os.environ.get("HYDROFOIL_TEST_DRIVER_MEMORY"):
    SPARK_CONF["spark.driver.memory"] = memory
# The JVM's half waits in every session. Tests in tests/columnar turn it on for their queries, and
# HYDROFOIL_TEST_COLUMNAR=true for those of all others.
if jvm_operators.why_not(spark_version()) is None:
    SPARK_CONF |= jvm_operators.additions({})
    SPARK_CONF[jvm_operators.ENABLED_KEY] = os.environ.get("HYDROFOIL_TEST_COLUMNAR", "false")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests to run, and have workers take their functions by value.

    Of modules that say ``ONE_IN = n``, every n-th case of each test is run: their tables are long,
    and what a change breaks it breaks in many places. The name of a test says which case is the
    first, so that not all begin with their first form; the versions of Spark and of pandas move it
    on, so that what runs on several of them runs different cases, and on older versions of Spark
    half as many: there are four. ``HYDROFOIL_PARITY=full`` runs them all.
    """
    if os.environ.get("HYDROFOIL_PARITY") != "full":
        _thin(config, items)
    _send_by_value(items)


def _thin(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = [item.nodeid.partition("[")[0] for item in items]
    cases = Counter(tests)
    seen: Counter[str] = Counter()
    kept, left = [], []
    for item, test in zip(items, tests, strict=True):
        one_in = getattr(getattr(item, "module", None), "ONE_IN", 1)
        if one_in > 1 and OLDER:
            one_in *= 2
        first = (crc32(test.encode()) + VERSION) % min(one_in, cases[test])
        (kept if seen[test] % one_in == first else left).append(item)
        seen[test] += 1
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def _send_by_value(items: list[pytest.Item]) -> None:
    # By reference a worker would import the test module, and with it pytest.
    modules = {item.module for item in items if isinstance(item, pytest.Function)}
    for module in modules:
        if isinstance(module, ModuleType):
            cloudpickle.register_pickle_by_value(module)


@pytest.fixture(autouse=True)
def driver_as_before() -> Iterator[None]:
    """Leave the driver's fast paths as they were: `hydrofoil.configure` turns them on for all."""
    was_on = switch.is_enabled()
    yield
    if switch.is_enabled() and not was_on:
        switch.disable()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local Spark with two cores. Executors find the tests' own daemons and probes."""
    scratch = tmp_path_factory.mktemp("spark")
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(TESTS), *filter(None, [before.get("PYTHONPATH")])]
    )
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").appName("hydrofoil-tests")
    for key, value in SPARK_CONF.items():
        builder = builder.config(key, value)
    session = builder.config("spark.sql.warehouse.dir", str(scratch / "warehouse")).getOrCreate()
    # Tests raise errors by the hundred; the driver would log each with its JVM stack.
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=[WARM_STOCK, HYDROFOIL], ids=lambda engine: engine.name)
def worker(request: pytest.FixtureRequest, spark: SparkSession) -> Iterator[Engine]:
    """The engine that this run of the test uses: stock's worker, then Hydrofoil's."""
    engine: Engine = request.param
    with use_engine(spark, engine):
        yield engine


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without windows, to look at pages with."""
    from playwright import sync_api as api

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        # .ci/run installs one; a newcomer's `make test` can do without.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"none of {', '.join(BROWSERS)} is installed"
        )
    with api.sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()

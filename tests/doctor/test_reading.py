"""Reading versions and settings, and the tables against the installed PySpark."""

import re
from contextlib import suppress
from importlib.metadata import requires
from pathlib import Path
from typing import Any, cast

import pyspark
import pytest
from pyspark.errors import SparkNoSuchElementException
from pyspark.sql import SparkSession

from hydrofoil.process import needs
from hydrofoil.reports.logs import LOGS_KEY
from hydrofoil.reports.policy import MAX_ERRORS_KEY, ON_ERROR_KEY, TABLE_KEY
from hydrofoil.settings.properties import parse_properties
from hydrofoil.settings.sockets import FOLDER_KEY, UNIX_SOCKETS_KEY, VARIABLE
from hydrofoil.settings.sources import Setting
from hydrofoil.settings.user_conf import SUBMIT_ARGUMENTS, given_conf, submit_words
from hydrofoil.spark.versions import VERSIONS
from hydrofoil.tools.checkup import costly, java, on_error, sockets, versions
from hydrofoil.tools.checkup.facts import Extension, Facts, Package


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21" 2023-09-19', 21),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_java_version(said: str, version: int | None) -> None:
    assert java.parse(said) == version


def test_releases_compare_as_numbers() -> None:
    assert needs.release("2.10.0rc1") > needs.release("2.9")
    assert needs.release("26.0.1.dev3") == (26, 0, 1)
    assert needs.release("unknown") == ()


def test_every_spark_line_has_needs() -> None:
    assert set(VERSIONS) <= set(needs.NEEDS), "src/hydrofoil/process/needs.py"


def test_needs_are_not_below_those_of_the_installed_packages() -> None:
    needed = needs.needs_of(pyspark.__version__)
    for name in ("pyarrow", "pandas", "numpy"):
        wanted = [*(requires("pyspark") or ()), *(requires("hydrofoil") or ())]
        bounds = [re.match(rf"{name}>=([\d.]+)", text) for text in wanted]
        highest = max(needs.release(bound[1]) for bound in bounds if bound)
        known = needs.release(getattr(needed, name))
        length = max(len(known), len(highest))
        padded = [part + (0,) * (length - len(part)) for part in (known, highest)]
        assert padded[0] == padded[1], f"{name} in src/hydrofoil/process/needs.py"


@pytest.mark.parametrize(
    ("spark", "level"),
    [("4.3.0", "broken"), ("4.2.1", "ok"), ("3.3.2", "ok"), (None, "ok"), ("9.9.9", "broken")],
)
def test_python_is_checked_for_the_spark_that_runs_on_it(spark: str | None, level: str) -> None:
    package = Package(version="999", recorded="999", file=None, error=None)
    packages = dict.fromkeys(("pyarrow", "numpy", "pandas"), package)
    extension = Extension(file=None, error=None, built=[])
    process = Facts("host", "/bin/python", "3.10.13", packages, extension, {}, None)
    finding = next(versions.check_packages(process, spark, "here"))
    assert finding.check == "Python" and finding.level == level
    assert level == "ok" or "3.11" in finding.advice


def test_properties() -> None:
    text = "# comment\n\nspark.a 1\nspark.b=two words\n  spark.c : 3\nspark.d\t=\t4\nspark.e\n"
    assert parse_properties(text) == {
        "spark.a": "1",
        "spark.b": "two words",
        "spark.c": "3",
        "spark.d": "4",
        "spark.e": "",
    }


# As Java's documentation has them, and at the ends of the file.
PROPERTIES = [
    "spark.jars a.jar,\\\n   b.jar,\\\r\n\tc.jar\nspark.a 1",
    "spark.a 1\\\n# no comment\n! one\n  # one\nspark.b 2",
    "spark.a 1\\\\\nspark.b 2\\\\\\\n3",
    "spark\\:a\\ b\\=c = \\=\\t\\u00e9\\x\\#",
    "spark.a  \\  1 \\\n\n  spark.b \t= : 2",
    "a\rb\r\n\nc\x0bd e\x0bf\u2028g\x1c",
    "spark.a=one\\nline\\n ",
    "= value\n: \nkey",
    "spark.a 1\\",
    "",
]


@pytest.mark.parametrize("text", PROPERTIES, ids=ascii)
def test_properties_are_those_that_spark_reads(
    spark: SparkSession, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "spark-defaults.conf"
    file.write_bytes(text.encode())
    utils = cast(Any, spark)._jvm.org.apache.spark.util.Utils
    pairs = utils.getPropertiesFromFile(str(file)).toSeq()
    read = [pairs.apply(i) for i in range(pairs.size())]
    assert parse_properties(text) == {pair._1(): pair._2() for pair in read}


def test_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "--master local -c spark.a=1 --conf 'spark.b=x y=z' pyspark-shell"
    monkeypatch.setenv(SUBMIT_ARGUMENTS, text)
    assert given_conf(submit_words()) == {"spark.a": "1", "spark.b": "x y=z"}
    monkeypatch.setenv(SUBMIT_ARGUMENTS, "--conf 'spark.a=1")
    assert given_conf(submit_words()) == {}


@pytest.mark.parametrize(
    ("value", "is_below"),
    [("999", True), ("1000", False), ("0", False), ("-1", False), ("1k", False), ("5b", True)],
)
def test_small_sizes(value: str, is_below: bool) -> None:
    assert costly.below(1000)(value) is is_below


@pytest.mark.parametrize(
    ("given", "spark", "level"),
    [
        ({}, "4.3.0", None),
        ({UNIX_SOCKETS_KEY: "false"}, "4.3.0", None),
        ({UNIX_SOCKETS_KEY: "true"}, "4.3.0", "ok"),
        ({UNIX_SOCKETS_KEY: "true"}, None, "ok"),
        ({UNIX_SOCKETS_KEY: "true"}, "4.0.5", "note"),
        ({UNIX_SOCKETS_KEY: "true", FOLDER_KEY: "/" + 60 * "a"}, "4.1.0", "ok"),
        ({UNIX_SOCKETS_KEY: "true", FOLDER_KEY: "/" + 61 * "a"}, "4.1.0", "broken"),
        (
            {
                UNIX_SOCKETS_KEY: "true",
                "spark.executor.extraJavaOptions": "-ea -Djava.io.tmpdir=/" + 64 * "a",
            },
            "4.1.0",
            "broken",
        ),
    ],
)
def test_unix_sockets(given: dict[str, str], spark: str | None, level: str | None) -> None:
    settings = {key: Setting(value, "--conf") for key, value in given.items()}
    assert [finding.level for finding in sockets.check(settings, spark)] == (
        [] if level is None else [level]
    )


def test_the_variable_that_asks_for_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "true")
    [finding] = sockets.check({}, "4.3.0")
    assert VARIABLE in finding.found
    assert not list(sockets.check({UNIX_SOCKETS_KEY: Setting("false", "--conf")}, "4.3.0"))


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, None),
        ({ON_ERROR_KEY: "f=null,*=raise", MAX_ERRORS_KEY: "1%", LOGS_KEY: "true"}, "ok"),
        ({ON_ERROR_KEY: "f=quarantine", TABLE_KEY: "/rows"}, "ok"),
        ({ON_ERROR_KEY: "f=quarantine"}, "broken"),
        ({ON_ERROR_KEY: "f=skip"}, "broken"),
        ({MAX_ERRORS_KEY: "few"}, "broken"),
        ({LOGS_KEY: "loud"}, "broken"),
        ({LOGS_KEY: "false"}, None),
    ],
)
def test_errors_of_functions(given: dict[str, str], level: str | None) -> None:
    settings = {key: Setting(value, "--conf") for key, value in given.items()}
    assert [finding.level for finding in on_error.check(settings)] == (
        [] if level is None else [level]
    )


def test_to_remove_what_old_versions_have_off_is_no_advice() -> None:
    switches = [row for row in costly.COSTLY if row.costs("false") and not row.costs("true")]
    rows = [row for row in switches if row.key.startswith(costly.SQL)]
    advised = {row.key.removeprefix(costly.SQL): row.advice for row in rows}
    assert {"pythonUDF.arrow.enabled", "arrow.pyspark.enabled"} < set(advised)
    assert all("to true, as it is by default from Spark 4.2" in text for text in advised.values())


def test_defaults_cost_nothing(spark) -> None:
    defaults = {}
    for row in costly.COSTLY:
        # Static settings and those without a default are not among a session's.
        with suppress(SparkNoSuchElementException):
            value = spark.conf.get(row.key)
            if value is not None:
                defaults[row.key] = Setting(value, "default")
    assert len(defaults) >= len(costly.COSTLY) // 2
    # The tests' own session sets none of them.
    assert [f.found for f in costly.check(defaults) if f.level not in ("ok", "note")] == []

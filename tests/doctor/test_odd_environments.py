"""Environments that are odd, and right: vendors' builds, users without a home, unknown versions."""

from dataclasses import replace
from pathlib import Path

import pytest

from hydrofoil.process import needs
from hydrofoil.settings import jvm_operators, plugin
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS
from hydrofoil.settings.sources import Setting, gather
from hydrofoil.settings.user_conf import SUBMIT_ARGUMENTS, conf_of
from hydrofoil.tools.checkup import executors, installation, java, turned_on
from hydrofoil.tools.checkup.application.probe import PACKAGES
from hydrofoil.tools.checkup.examine import examine
from hydrofoil.tools.checkup.facts import Extension, Facts, Package
from hydrofoil.tools.checkup.finding import Finding
from hydrofoil.tools.checkup.job import Outcome

JAR = "/jars/hydrofoil-spark.jar"
NAMED = {jvm_operators.EXTENSIONS_KEY: jvm_operators.EXTENSION, jvm_operators.JARS_KEY: JAR}


def spark_home(folder: Path, version: str) -> str:
    (folder / "jars").mkdir(parents=True)
    (folder / "jars" / f"spark-core_2.13-{version}.jar").touch()
    return str(folder)


@pytest.mark.parametrize("named", [NAMED, {plugin.PLUGINS_KEY: plugin.PLUGIN}])
@pytest.mark.parametrize(
    ("version", "level"), [("3.5.9", "note"), ("4.0.0", "ok"), ("4.4.0", "note"), ("5.0.1", "note")]
)
def test_operators_that_are_named_where_they_are_off(
    named: dict[str, str],
    version: str,
    level: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if jvm_operators.jar() is None:
        pytest.skip("without a jar nobody knows its versions")
    monkeypatch.setenv("SPARK_HOME", spark_home(tmp_path, version))
    settings = gather({jvm_operators.JARS_KEY: JAR, **named}, False)
    [found] = [each for each in turned_on.check(settings, "local") if each.check == "columnar"]
    assert found.level == level
    if level != "ok":
        assert f"operators are off: Spark {version} is not one of those" in found.found


@pytest.mark.parametrize(("version", "levels"), [("4.3.0", {"ok", "broken"}), ("4.4.0", {"ok"})])
def test_stocks_worker_where_hydrofoil_has_none(version: str, levels: set[str]) -> None:
    settings = {DAEMON_KEY: Setting(SETTINGS[DAEMON_KEY], "--conf")}
    worker = replace(process(version), worker="stock")
    outcome = Outcome([worker], 1, None)
    found = executors.judge(outcome, process(version), settings, "yarn", version).findings
    assert {finding.level for finding in found} == levels


def test_a_variable_that_has_no_such_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROFOIL_ROWS", "arow")
    examination = examine(configured=True, run_job=False)
    assert examination.exit_code == 2
    [found] = examination.findings
    assert "HYDROFOIL_ROWS is 'arow'" in found.found and "'arrow-native'" in found.advice
    # Without hydrofoil.configure nobody looks at it before the workers do.
    settings = {DAEMON_KEY: Setting(SETTINGS[DAEMON_KEY], "--conf")}
    broken = [each for each in turned_on.check(settings, "local") if each.level == "broken"]
    assert [each.check for each in broken] == ["HYDROFOIL_ROWS"]


def process(pyspark: str) -> Facts:
    packages = {name: Package("999", "999", None, None) for name in PACKAGES}
    packages["pandas"] = Package("2.3.3", "2.3.3", None, None)
    packages["pyspark"] = Package(pyspark, pyspark, None, None)
    extension = Extension(file=None, error=None, built=[])
    return Facts("host", "/bin/python", "3.11.7", packages, extension, {}, None)


@pytest.mark.parametrize("master", ["local[2]", "yarn"])
def test_off_in_the_environment_of_the_plugin(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROFOIL", "off")
    monkeypatch.setenv("HYDROFOIL_TRACE", "1")
    found = turned_on.check(gather({plugin.PLUGINS_KEY: plugin.PLUGIN}, False), master)
    by_name = {finding.check: finding for finding in found}
    assert by_name["daemon"].level == "warning"
    for name in ("HYDROFOIL", "HYDROFOIL_TRACE"):
        assert by_name[name].level == "warning"
        assert by_name[name].advice == f"unset {name} where the program is started"


def judged(pyspark: str, jars: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setenv("SPARK_HOME", spark_home(folder, jars))
    return installation.check_spark(process(pyspark))


@pytest.mark.parametrize(
    ("pyspark", "jars"),
    [
        ("3.5.1", "3.5.1-amzn-0"),
        ("3.5.1+amzn.0", "3.5.1-amzn-0"),
        ("4.0.1", "4.0.1.4.7190.0-91"),
        ("4.3.0.dev0", "4.3.0-SNAPSHOT"),
    ],
)
def test_vendors_builds_of_one_release(
    pyspark: str, jars: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(pyspark, jars, tmp_path, monkeypatch).level == "ok"


def test_a_vendors_build_of_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged("3.5.2", "3.5.1-amzn-0", tmp_path, monkeypatch)
    assert found.level == "broken" and found.advice.endswith("pip install pyspark==3.5.1")


def test_an_older_spark_needs_no_more_than_the_oldest_that_is_known() -> None:
    assert needs.needs_of("3.3.2") == needs.needs_of("3.5")
    assert needs.needs_of("4.10.0") == needs.needs_of("4.3")


def test_a_folder_of_settings_that_nobody_may_look_into(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even root is told what is at such a path.
    monkeypatch.setenv("SPARK_CONF_DIR", "/" + 300 * "x")
    monkeypatch.delenv(SUBMIT_ARGUMENTS, raising=False)
    assert conf_of([]) == gather({}, False) == {}


def test_a_file_of_settings_in_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.a 1\nspark.b 1\n")
    file = tmp_path / "mine für alle.conf"
    file.write_bytes("spark.b 2\r\nspark.c é\r\n".encode())
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    named = f"--properties-file '{file}' pyspark-shell"
    for arguments, expected in (
        (named, {"spark.b": "2", "spark.c": "é"}),
        (f"--load-spark-defaults {named}", {"spark.a": "1", "spark.b": "2", "spark.c": "é"}),
    ):
        monkeypatch.setenv(SUBMIT_ARGUMENTS, arguments)
        found = gather({}, False)
        assert {key: setting.value for key, setting in found.items()} == expected
        assert found["spark.b"].source == str(file)


def test_a_program_that_speaks_no_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_bytes(b"#!/bin/sh\nprintf 'caf\\351\\nopenjdk version \"17.0.2\"\\n' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.check(17).level == "ok"

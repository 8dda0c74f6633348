"""A standalone cluster of two hosts, of which one is lost in the middle of something.

The package gets there as a wheel in an environment of the hosts, as a folder that is laid out like
an image, and as an archive with each application. `make cluster CLUSTER=long` runs all of it.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doctor.environments import FOR_COMMAND, FOR_STOCK, environment_with, wheel_of_hydrofoil
from hosts import JVM, Cluster, cluster

from hydrofoil.settings import jvm_operators, plugin
from hydrofoil.settings.user_conf import spark_home, spark_version

APP = Path(__file__).parent / "apps" / "losses.py"
ROWS = 20_000
SUM = ROWS * (ROWS - 1) // 2
ANSWERS = {
    "query": [ROWS, SUM, ROWS],
    "shuffle": [ROWS, SUM, 40],
    "inference": [ROWS, 2 * SUM, ROWS],
    # From the checkpoint of the fourth step, on one host; all rows are there.
    "gang": [[4, 1, ROWS], ["RankLost"]],
}
WAITS_S = 240

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        jvm_operators.why_not(spark_version()) is not None, reason="the package has no jar here"
    ),
]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), ["hydrofoil-a", "hydrofoil-b"]) as made:
        yield made


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment into which a wheel of the package was installed."""
    folder = tmp_path_factory.mktemp("environment")
    environment_with(folder / "env", [*FOR_STOCK, *FOR_COMMAND, "pip"])
    wheel = wheel_of_hydrofoil(folder)
    install = ("pip", "install", "--quiet", "--no-deps", "--no-compile", wheel)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([folder / "env/bin/python", "-m", *install], env=clean, check=True)
    return folder / "env"


def jar(package: Path) -> Path:
    [found] = package.glob("lib/python*/site-packages/hydrofoil/jars/*.jar")
    return found


def by_wheel(environment: Path, folder: Path) -> dict[str, str]:
    return {
        "spark.pyspark.python": f"{environment}/bin/python",
        "spark.jars": str(jar(environment)),
    }


def by_image(environment: Path, folder: Path) -> dict[str, str]:
    """As an image has it: a folder with nothing but the package, and the jar on the class path."""
    site = jar(environment).parents[2]
    root = folder / "image"
    (root / "opt").mkdir(parents=True)
    (root / "opt/hydrofoil").symlink_to(site / "hydrofoil")
    return {
        "spark.pyspark.python": sys.executable,
        "spark.executorEnv.PYTHONPATH": f"{root}/opt",
        "spark.executor.extraClassPath": str(jar(environment)),
        "spark.driver.extraClassPath": str(jar(environment)),
    }


def by_archive(environment: Path, folder: Path) -> dict[str, str]:
    archive = folder / "environment.tar.gz"
    # Links to the tests' large libraries stay links; what is of the package is packed.
    with tarfile.open(archive, "w:gz", compresslevel=1) as made:
        made.add(environment, ".")
    return {
        "spark.archives": f"{archive}#environment",
        "spark.pyspark.python": "./environment/bin/python",
        "spark.pyspark.driver.python": f"{environment}/bin/python",
        "spark.jars": str(jar(environment)),
    }


WAYS = {"wheel": by_wheel, "image": by_image, "archive": by_archive}


def start(
    hosts: Cluster, environment: Path, folder: Path, way: str, scenario: str, **more: str
) -> "subprocess.Popen[str]":
    conf = {
        "spark.master": hosts.url,
        "spark.driver.host": hosts.address,
        "spark.driver.bindAddress": hosts.address,
        "spark.plugins": plugin.PLUGIN,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executor.memory": "512m",
        "spark.executor.extraJavaOptions": JVM,
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.adaptive.enabled": "false",
        # A host that is gone need not be asked for long.
        "spark.shuffle.io.maxRetries": "1",
        "spark.shuffle.io.retryWait": "1s",
        **WAYS[way](environment, folder),
        **more,
    }
    lines = "".join(f"{key} {value}\n" for key, value in conf.items())
    (folder / "spark-defaults.conf").write_text(lines)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    kept |= {"SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": hosts.address}
    kept |= {"PYSPARK_DRIVER_PYTHON": f"{environment}/bin/python"}
    kept.pop("PYSPARK_PYTHON", None)
    log = folder / "driver.log"
    with log.open("w") as errors:
        return subprocess.Popen(
            [str(spark_home() / "bin/spark-submit"), str(APP), scenario, str(folder)],
            cwd=folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def told(driver: "subprocess.Popen[str]", folder: Path) -> dict[str, Any]:
    try:
        output, _ = driver.communicate(timeout=WAITS_S)
    finally:
        driver.kill()
    found = re.findall(r"^TOLD (.+)$", output, re.MULTILINE)
    assert len(found) == 1, output + (folder / "driver.log").read_text()[-6000:]
    answer: dict[str, Any] = json.loads(found[0])
    return answer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", ANSWERS)
def test_a_host_that_is_lost(
    hosts: Cluster, environment: Path, tmp_path: Path, scenario: str, way: str
) -> None:
    shared = set(os.listdir("/dev/shm"))
    victim = hosts.hosts[1]
    driver = start(hosts, environment, tmp_path, way, scenario)
    try:
        end = time.monotonic() + WAITS_S
        while not (tmp_path / "waiting").exists() and time.monotonic() < end:
            assert driver.poll() is None, (tmp_path / "driver.log").read_text()[-6000:]
            time.sleep(0.1)
        assert (tmp_path / "waiting").exists(), (tmp_path / "driver.log").read_text()[-6000:]
        victim.lose()
        assert victim.left() == []
        found = told(driver, tmp_path)
    finally:
        driver.kill()
        if not victim.processes():
            hosts.start_worker(victim)
    assert found["answer"] == ANSWERS[scenario]
    assert found["plan"]
    if way == "archive":
        assert "environment/bin/python" in found["worker"] and "work" in found["worker"]
    assert set(os.listdir("/dev/shm")) <= shared
    assert hosts.hosts[0].folder / "tmp" in hosts.hosts[0].folder.iterdir()


def test_tasks_that_run_again(hosts: Cluster, environment: Path, tmp_path: Path) -> None:
    """Retried ones and speculative ones, stock beside Hydrofoil: each row is written once."""
    settings = {
        "spark.speculation": "true",
        "spark.speculation.interval": "200ms",
        "spark.speculation.multiplier": "1.5",
        "spark.speculation.quantile": "0.5",
        "spark.speculation.minTaskRuntime": "500ms",
    }
    found = told(start(hosts, environment, tmp_path, "wheel", "again", **settings), tmp_path)
    assert len(found["answer"]) == 6
    assert set(map(tuple, found["answer"].values())) == {(ROWS, SUM)}, found["answer"]

"""The commands of docs/deploying.md, taken from the page: archives, an image, a server.

What stands for a cluster is a standalone master with a worker, on the loopback.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest
from blocks import Block, blocks, commands
from doctor.cluster import standalone
from doctor.environments import FOR_COMMAND, FOR_STOCK, environment_with, wheel_of_hydrofoil

from hydrofoil.settings import jvm_operators, plugin
from hydrofoil.settings.user_conf import spark_home

PAGE = "docs/deploying.md"
MASTER = "spark://HOST:7077"
APP = Path(__file__).parent / "deployed_app.py"
# For the command itself, which is that of the tests' own Python.
OURS = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
# What a shell in which a platform engineer begins has not set.
UNSET = re.compile(r"PYTHONPATH|SPARK_HOME|(PYSPARK|HYDROFOIL)(_.*)?")

pytestmark = pytest.mark.skipif(
    jvm_operators.jar() is None or pyspark.__version__.startswith(("3.", "4.0")),
    reason="the guide is for a package with a jar, and a server of Connect that PySpark brings",
)


def named(test: str, language: str = "sh") -> Block:
    """The block of the guide that names a test."""
    [block] = [block for block in blocks(PAGE, language) if block.test == test]
    return block


def run(
    test: str, folder: Path, master: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the commands of a block, as they stand there, in a folder."""
    return subprocess.run(
        ["bash", "-ec", named(test).text.replace(MASTER, master)],
        cwd=folder,
        env=variables(folder) | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def variables(folder: Path) -> dict[str, str]:
    """Those of a shell whose `spark-submit` is the cluster's; its settings are in a folder."""
    kept = {name: value for name, value in os.environ.items() if not UNSET.fullmatch(name)}
    path = [spark_home() / "bin", Path(sys.executable).parent]
    return kept | {
        "PATH": os.pathsep.join([*map(str, path), kept["PATH"]]),
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def seen(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What the program saw."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(lines) == 1, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-8000:]}"
    found: dict[str, Any] = json.loads(lines[0].removeprefix("SEEN "))
    return found


def with_program(folder: Path) -> Path:
    """Put what the guide calls app.py into a folder, and settings that change nothing of it."""
    shutil.copy(APP, folder / "app.py")
    # JVMs that live for seconds have no use for optimized code.
    fast = "spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC\n"
    (folder / "spark-defaults.conf").write_text(f"spark.ui.enabled false\n{fast}")
    return folder


def installed(folder: Path) -> Path:
    """Make the environment env in a folder, with Hydrofoil installed from a wheel.

    Large libraries are links to those of the tests.
    """
    environment_with(folder / "env", [*FOR_STOCK, *FOR_COMMAND, "pip"])
    wheel = wheel_of_hydrofoil(folder)
    install = ("pip", "install", "--quiet", "--no-deps", "--no-compile", wheel)
    subprocess.run([folder / "env/bin/python", "-m", *install], env=variables(folder), check=True)
    return folder


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a standalone master, whose worker has one core."""
    with standalone(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the environment, its archive, made as the guide says, and the program."""
    folder = with_program(installed(tmp_path_factory.mktemp("packed")))
    done = run("pack", folder, **OURS)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def is_of_the_archive(found: dict[str, Any]) -> bool:
    """Whether an executor's worker ran on the unpacked archive alone, and its operators."""
    worker = Path(found["worker"])
    assert worker.parts[-3:-1] == ("environment", "bin") and "work" in worker.parts, found
    inside = worker.parents[1]
    assert found["daemon"].endswith("hydrofoil/daemon.py"), found
    assert all(Path(found[name]).is_relative_to(inside) for name in ("package", "pandas")), found
    assert "HydrofoilEvalPython" in found["plan"] and "HydrofoilMapInBatch" in found["plan"]
    return True


@pytest.mark.slow
def test_archive_in_client_mode(packed: Path, master: str) -> None:
    found = seen(run("client", packed, master))
    assert is_of_the_archive(found)
    assert found["driver"] == str(packed / "env/bin/python")
    # What hydrofoil pack says is what the guide's commands give.
    client, cluster = (packed / "said.txt").read_text().split("Cluster mode")
    printed = dict(re.findall(r"--conf ([^=\s]+)=(\S+)", client))
    [jar] = (packed / "env").glob("lib/python*/site-packages/hydrofoil/jars/*.jar")
    assert printed == {
        "spark.archives": f"{packed}/environment.tar.gz#environment",
        "spark.pyspark.python": "./environment/bin/python",
        "spark.pyspark.driver.python": str(packed / "env/bin/python"),
        "spark.jars": str(jar),
        "spark.plugins": plugin.PLUGIN,
    }
    del printed["spark.pyspark.driver.python"]
    assert dict(re.findall(r"--conf ([^=\s]+)=(\S+)", cluster)) == printed


@pytest.mark.slow
def test_archive_in_cluster_mode(packed: Path, master: str) -> None:
    found = seen(run("cluster", packed, master))
    assert is_of_the_archive(found)
    assert found["folder"] == str(packed / "container")
    assert found["driver"] == str(packed / "container/environment/bin/python")


def test_standalone_masters_refuse_cluster_mode(packed: Path, master: str) -> None:
    done = run("refused", packed, master)
    assert done.returncode != 0
    assert "not supported for python applications on standalone clusters" in done.stderr


@pytest.mark.slow
def test_jar_that_is_not_sent(packed: Path, master: str) -> None:
    found = seen(run("local", packed, master))
    assert found["worker"] == str(packed / "env/bin/python")
    assert "HydrofoilEvalPython" in found["plan"]


@pytest.mark.slow
def test_environment_as_pip_makes_it(tmp_path: Path, master: str) -> None:
    """All of it copied and nothing linked. It takes packages from the index."""
    wheel_of_hydrofoil(with_program(tmp_path))
    for test, more in (("environment", {}), ("pack", OURS)):
        done = run(test, tmp_path, **more)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "environment.tar.gz").stat().st_size < 200e6  # Spark's jars are left out.
    assert is_of_the_archive(seen(run("client", tmp_path, master)))


@pytest.mark.slow
def test_image(tmp_path: Path) -> None:
    """The lines of the recipe in a folder laid out as the image's root, and a program there."""
    root = with_program(tmp_path)
    # PySpark is Spark's own there.
    names = {*FOR_STOCK, *FOR_COMMAND, "pip"} - {"pyspark", "py4j"}
    environment_with(root / "env", names)
    (root / "tmp").mkdir()
    wheel_of_hydrofoil(root)
    spark = root / "opt/spark"
    (spark / "jars").mkdir(parents=True)
    for there in (*spark_home().iterdir(), *(spark_home() / "jars").iterdir()):
        if there != spark_home() / "jars":
            (spark / there.relative_to(spark_home())).symlink_to(there)
    environment = {"SPARK_HOME": str(spark), "HOME": str(root)}
    environment |= {"PATH": f"{root}/env/bin:{spark}/bin:{os.environ['PATH']}"}
    lines = 0
    for line in named("image", "dockerfile").text.splitlines():
        word, _, rest = line.partition(" ")
        rest = re.sub(r"(?<=\s)/(?=opt/|tmp/)", f"{root}/", rest)
        if word in ("COPY", "RUN"):
            command = f"cp {rest}" if word == "COPY" else rest
            lines += 1
            done = subprocess.run(
                ["bash", "-ec", command],
                cwd=root,
                env=variables(root) | environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert lines == 4
    assert (spark / "jars/hydrofoil-spark.jar").resolve().is_relative_to(root / "env")
    found = seen(run("image", root, **environment))
    assert found["worker"].startswith(f"{root}/env/bin/python")
    assert Path(found["package"]).is_relative_to(root / "env")
    assert "HydrofoilEvalPython" in found["plan"]


@pytest.mark.slow
def test_connect(packed: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = f"spark.ui.enabled false\nspark.connect.grpc.binding.port {port}\n"
    (tmp_path / "spark-defaults.conf").write_text(conf)
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["bash", "-ec", named("connect").text],
            cwd=packed,
            env=variables(packed) | {"SPARK_CONF_DIR": str(tmp_path)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # The client is the tests' own Python, whose path no worker has.
        client = subprocess.run(
            [sys.executable, "-W", "ignore", APP, f"sc://127.0.0.1:{port}"],
            cwd=tmp_path,
            env=variables(tmp_path),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    found = seen(client)
    assert found["driver"] == sys.executable
    assert found["worker"] == str(packed / "env/bin/python")
    assert found["daemon"].endswith("hydrofoil/daemon.py")
    assert log.read_text(errors="replace").count("Hydrofoil's plugin set ") == 1


def test_every_block_is_run_here() -> None:
    there = [block for kind in ("sh", "dockerfile") for block in blocks(PAGE, kind)]
    names = {block.test for block in there if not block.reason}
    assert names == {
        *("environment", "pack", "client", "cluster", "local", "refused", "image", "connect")
    }
    # Those that no test runs want a cluster of somebody's.
    left = [command for block in there if block.reason for command in commands(block)]
    assert [re.findall(r"--master (\w+)", command) for command in left] == [["k8s"], ["yarn"]]

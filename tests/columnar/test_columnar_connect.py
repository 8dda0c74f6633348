"""What gets the JVM's operator in a classic session gets it over Spark Connect.

The server is one of its own, turned on by the one setting spark.plugins.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import connect_cases
import pytest
from columnar_compare import Comparison
from pyspark import cloudpickle

from hydrofoil.settings import plugin
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.settings.user_conf import spark_home
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf, use_engine
from hydrofoil.tools.parity.session import CONF

HERE = Path(__file__).parent
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
ENVIRONMENT = os.environ | {
    "PYSPARK_PYTHON": sys.executable,
    "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
}

cloudpickle.register_pickle_by_value(connect_cases)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that knows of Hydrofoil by its plugin alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**CONF, **plugin.additions({}), "spark.sql.shuffle.partitions": "2"} | {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
    }
    words = [word for item in settings.items() for word in ("--conf", "=".join(item))]
    command = [str(spark_home() / "bin/spark-submit"), "--master", "local[2]", "--class", SERVER]
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *words, "spark-internal"],
            cwd=tmp_path,
            env=ENVIRONMENT | {"SPARK_CONF_DIR": str(tmp_path / "conf")},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield f"sc://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    assert log.read_text(errors="replace").count("Hydrofoil's plugin set ") == 1


def test_every_kind_and_type(compare: Comparison, server: str, tmp_path: Path) -> None:
    spark = compare.spark
    with use_conf(spark, {ENABLED_KEY: "true"}), use_engine(spark, HYDROFOIL):
        expected = json.loads(json.dumps(connect_cases.outcomes(spark)))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "connect_client.py"), server],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("OUTCOMES ")]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    found = json.loads(lines[0].removeprefix("OUTCOMES "))
    assert found == expected
    without = {name: made for name, (made, _) in found.items() if len(made) != 1}
    assert not without and all(made[0].startswith("Hydrofoil") for made, _ in found.values())

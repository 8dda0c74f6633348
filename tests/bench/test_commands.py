"""The measuring commands, as a user calls them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hydrofoil.tools.cli.explain import nothing

APPLICATION = """
import sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()
double = udf(lambda x: x * 2, "long")
print(spark.range(0, 1000, 1, 2).select(double("id").alias("x")).agg({"x": sys.argv[1]}).collect())
"""


def hydrofoil(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hydrofoil.tools.cli", *map(str, arguments)]
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("recorded")
    application = folder / "app.py"
    application.write_text(APPLICATION)
    out = folder / "out"
    options = ("--master", "local[2]", "--conf", "spark.ui.enabled=false")
    done = hydrofoil("record", "--out", out, *options, application, "max")
    assert done.returncode == 0, done.stderr
    assert "Row(max(x)=1998)" in done.stdout
    assert "2 recordings" in done.stderr
    return sorted(out.iterdir())


@pytest.mark.slow
def test_record_then_replay(recordings: list[Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = hydrofoil("replay", *recordings, "--runs", 2, "--json", report)
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    entries = json.loads(report.read_text())
    assert [entry["rows"] for entry in entries] == [500, 500]
    for entry in entries:
        assert entry["failed"] is False
        assert entry["ratio"] > 0
        for engine in ("stock", "hydrofoil"):
            assert len(entry["engines"][engine]["cpu_s"]) == 2
            assert entry["engines"][engine]["exit_codes"] == [0, 0]


TURNS_ITSELF_ON = APPLICATION.replace(
    "SparkSession.builder.getOrCreate()", "__import__('hydrofoil').session()"
).replace("x * 2", "float(x * 2) if x == 5 else x * 2")


@pytest.mark.slow
def test_a_program_that_turns_hydrofoil_on_itself(tmp_path: Path) -> None:
    application = tmp_path / "app.py"
    application.write_text(TURNS_ITSELF_ON)
    options = ("--master", "local[1]", "--conf", "spark.ui.enabled=false", application)
    done = hydrofoil("record", "--out", tmp_path / "out", *options, "max")
    assert "2 recordings" in done.stderr, done.stderr

    report = tmp_path / "paths.json"
    done = hydrofoil("explain", "--json", report, *options, "min")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    shown, headline, *_ = done.stdout.splitlines()
    assert shown == "[Row(min(x)=0)]"
    assert headline == "1 of 1 function took the fast path; 50 % of batches (or groups)"
    # The driver's own call, below the functions.
    assert re.search(r"\bcollect\W+fast\b", done.stdout)
    (entry,) = json.loads(report.read_text())
    assert entry["operators"] == ["HydrofoilEvalPython"]
    assert entry["batches"] == {
        "fast": 1,
        "float returned for bigint, so PySpark converts it: declare double, or return int": 1,
    }

    done = hydrofoil("explain", *options, "nothing")
    assert done.returncode == 1
    assert "UNRESOLVED_ROUTINE" in done.stdout
    assert "No Python function ran in a Hydrofoil worker" in done.stdout
    log = Path(done.stderr.splitlines()[-1].partition("Spark's log is ")[2])
    assert "SparkContext" in log.read_text()
    log.unlink()


def test_commands_that_would_do_nothing_say_why(tmp_path: Path) -> None:
    daemon = "spark.python.use.daemon=false"
    done = hydrofoil("record", "--out", tmp_path, "--conf", daemon, "app.py")
    assert done.returncode == 1
    assert f"--conf {daemon}, but the recorder is a daemon: leave it out" in done.stderr
    other = "spark.python.daemon.module=other"
    done = hydrofoil("record", "--out", tmp_path, "--conf", other, "app.py")
    assert f"--conf {other}, but the recorder is a daemon itself" in done.stderr
    off = "spark.executorEnv.HYDROFOIL=off"
    assert "HYDROFOIL=off is set" in nothing({off.partition("=")[0]: "off"}, [])
    assert "spark.python.daemon.module is mine" in nothing(
        {"spark.python.daemon.module": "mine"}, []
    )
    assert "finished no task that calls one" in nothing({}, [])


SUBMIT = """#!/bin/sh
echo "workers: $PYSPARK_PYTHON, driver: $PYSPARK_DRIVER_PYTHON, path: $PATH"
folder=$(echo "$*" | sed 's/.*RECORD_DIR=//; s/ --conf.*//')
touch "$folder/1.hfrec" "$folder/2.hfrec.part"
"""


def test_record_leaves_the_executors_their_python(tmp_path: Path) -> None:
    submit = tmp_path / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(SUBMIT)
    submit.chmod(0o700)
    out = tmp_path / "with a blank"
    spark = {"SPARK_HOME": str(tmp_path), "PYSPARK_PYTHON": "", "PATH": "/usr/bin:/bin"}
    done = hydrofoil("record", "--out", out, "--master", "spark://h:7077", "app.py", **spark)
    folder = Path(sys.executable).parent
    driver = f"driver: {sys.executable}, path: {folder}:/usr/bin:/bin"
    assert done.stdout == f"workers: , {driver}\n", done.stderr
    # What a task has left that was ended is none.
    assert done.stderr.startswith("1 recordings in ")
    assert done.stderr.endswith(f"hydrofoil replay '{out}'/*.hfrec\n")
    done = hydrofoil("record", "--out", out, "app.py", **spark | {"PYSPARK_PYTHON": "./env/python"})
    assert done.stdout.startswith("workers: ./env/python, driver: , ")


def test_record_into_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = hydrofoil("record", "--out", tmp_path / "file" / "out", "app.py")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: --out ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--folder", "file/figures"), "Not a directory"),
        (("--folder", "."), ". is not empty"),
        (("--top", "-1"), "-1 is not in the range x>=0"),
        # Not as markup, of which nothing would be left.
        ((), "app[bold].py: a run with stock's workers"),
    ],
)
def test_profile_says_what_is_wrong_before_it_starts(
    options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = tmp_path / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text("#!/bin/sh\n")
    submit.chmod(0o700)
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    done = hydrofoil("profile", *options, "app[bold].py", SPARK_HOME=str(tmp_path))
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# As a JVM, which ends some time after Ctrl-C, having removed its files.
SLOW_TO_END = """#!/bin/sh
trap 'sleep 1; rm working; exit 130' INT
touch working
while :; do sleep 0.1; done
"""


@pytest.mark.parametrize(
    "command", [("record", "--out", "out"), ("profile",), ("explain",), ("advise",)]
)
def test_ctrl_c_lets_a_program_clean_up(command: tuple[str, ...], tmp_path: Path) -> None:
    submit = tmp_path / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(SLOW_TO_END)
    submit.chmod(0o700)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "hydrofoil.tools.cli", *command, "app.py"],
        cwd=tmp_path,
        env={**os.environ, "SPARK_HOME": str(tmp_path), "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    working = tmp_path / "working"
    while not working.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    # To all that a terminal would reach.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Aborted!" in said and "Traceback" not in said
    assert not working.exists()
    assert not list(temporary.iterdir())


def test_replay_of_one_engine_in_memory(recordings: list[Path]) -> None:
    done = hydrofoil("replay", recordings[0], "--runs", 1, "--engine", "stock", "--in-memory")
    assert done.returncode == 0, done.stderr
    assert "ratio" not in done.stdout


def test_replay_by_a_worker_that_is_not_there(recordings: list[Path]) -> None:
    done = hydrofoil("replay", recordings[0], "--runs", 1, "--engine", "nothing.there:main")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'nothing'" in done.stderr
    ended = "the measuring process ended (exit code 1); its last words are on stderr"
    assert f"Error: {recordings[0]}: {ended}" in " ".join(done.stderr.splitlines())


def test_replay_of_another_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a recording")
    done = hydrofoil("replay", path)
    assert done.returncode == 1
    assert "notes.txt is not a recording" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--suite", "nothing"), "'nothing' is not one of"),
        (("--mine", __file__), "--mine and --data go together"),
        (("--suite", "mine"), "give --mine MODULE.py --data FILE"),
        (("--chart", "chart.pdf"), "chart.pdf is no .svg and no .png"),
        (("--workload", "nope"), "--workload nope: it is not in suite first, which has long, "),
        (
            ("--suite", "first", "--suite", "driver", "--workload", "long"),
            "--workload long: it is not in suite driver, which has collect(), ",
        ),
    ],
)
def test_bench_says_what_is_wrong_before_it_starts(options: tuple[str, ...], said: str) -> None:
    done = hydrofoil("bench", *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Starting Spark" not in done.stderr


def test_bench_without_java_says_what_to_install() -> None:
    done = hydrofoil("bench", JAVA_HOME="/nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("Error: Java is missing: install")

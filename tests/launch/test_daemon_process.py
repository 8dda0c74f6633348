"""The daemon as a process: what it writes before the JVM asks it for a worker, and what it loads.

With its stdin at the end, a daemon announces its port and stops.
"""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import hydrofoil
from hydrofoil import daemon


def run_daemon(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return the port on the daemon's stdout, which holds nothing else, and its stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "hydrofoil.daemon", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
        check=False,
    )
    assert len(done.stdout) == 4, done.stderr.decode()
    return struct.unpack("!i", done.stdout)[0], done.stderr.decode()


def source_without_core(folder: Path) -> Path:
    package = Path(hydrofoil.__file__).parent
    shutil.copytree(package, folder / "hydrofoil", ignore=shutil.ignore_patterns("*.so", "*.pyc"))
    return folder


def test_says_nothing_when_all_is_well() -> None:
    port, messages = run_daemon("pyspark.worker")
    assert 0 < port < 65536
    assert messages == ""


def test_starts_over_when_an_import_starts_a_thread() -> None:
    port, messages = run_daemon("pyspark.worker", JE_ARROW_MALLOC_CONF="background_thread:true")
    assert 0 < port < 65536
    assert messages.count("\n") == 1
    assert "importing pyarrow started 1 thread(s): jemalloc_bg_thd" in messages
    assert "each worker imports pyarrow itself" in messages


def test_leaves_late_imports_that_start_a_thread(tmp_path: Path) -> None:
    # pandas imports bottleneck if it can.
    (tmp_path / "bottleneck.py").write_text(
        "import threading, time\n"
        "__version__ = '99'\n"
        "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
    )
    daemon_process = subprocess.Popen(
        [sys.executable, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert daemon_process.stderr is not None
    message = daemon_process.stderr.readline().decode()
    status = Path(f"/proc/{daemon_process.pid}/status").read_text()
    _, rest = daemon_process.communicate(timeout=60)
    assert "importing pandas started 1 thread(s)" in message
    assert "each worker imports pandas itself" in message
    assert "Threads:\t1\n" in status
    assert rest == b""


def test_does_not_start_threads_that_it_can_avoid() -> None:
    _, messages = run_daemon("pyspark.worker", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    assert messages == ""


def test_leaves_stock_alone_without_the_core(tmp_path: Path) -> None:
    search_path = os.pathsep.join(
        [str(source_without_core(tmp_path)), os.environ.get("PYTHONPATH", "")]
    )
    port, messages = run_daemon("pyspark.worker", PYTHONPATH=search_path)
    assert 0 < port < 65536
    assert messages.count("\n") == 1
    assert "hydrofoil on " in messages
    assert "so stock PySpark's worker runs instead" in messages
    assert "hydrofoil._cext" in messages
    assert "HYDROFOIL=off" in messages


def test_off_loads_nothing_of_hydrofoil(tmp_path: Path) -> None:
    search_path = os.pathsep.join(
        [str(source_without_core(tmp_path)), os.environ.get("PYTHONPATH", "")]
    )
    port, messages = run_daemon("pyspark.worker", PYTHONPATH=search_path, HYDROFOIL="off")
    assert 0 < port < 65536
    assert messages == ""


def test_imports_that_print_do_not_reach_the_port(capfd: pytest.CaptureFixture[str]) -> None:
    with daemon.stdout_to_stderr():
        os.write(1, b"an import\n")
    os.write(1, b"the port\n")
    assert capfd.readouterr() == ("the port\n", "an import\n")

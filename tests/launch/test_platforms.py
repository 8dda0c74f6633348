"""What happens on other systems than Linux, as far as it shows on Linux: a process of its own is
told that it is there.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(code: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_windows_is_told_before_a_compiler_runs() -> None:
    done = python(
        "import runpy, sys, setuptools, setuptools.command.build_ext\n"
        "sys.platform, sys.argv[1:] = 'win32', ['build_ext']\n"
        "runpy.run_path('setup.py', run_name='__main__')\n"
    )
    assert done.returncode == 1 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("hydrofoil: Windows is not supported"), line


def test_windows_can_import_but_not_turn_on() -> None:
    done = python(
        "import sys\n"
        "from pyspark.sql import SparkSession\n"
        "sys.platform = 'win32'\n"
        "import hydrofoil\n"
        "try:\n"
        "    hydrofoil.configure(SparkSession.builder)\n"
        "except hydrofoil.errors.UsageError as error:\n"
        "    print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    message, hint = done.stdout.splitlines()
    assert message.startswith("Hydrofoil can't be turned on on Windows"), message
    assert hint.startswith("Hint: use Linux"), hint


def test_nothing_is_imported_before_forks_where_threads_cannot_be_counted() -> None:
    done = python(
        "import sys\n"
        "from hydrofoil import daemon\n"
        "from hydrofoil.process import preload\n"
        "preload.TASKS = '/no/such/folder'\n"
        "import pyspark.daemon\n"
        "def manager():\n"
        "    print(*sorted({'numpy', 'pyarrow', 'pandas'} & set(sys.modules)))\n"
        "    print(daemon.WORKER_ALIAS in sys.modules, pyspark.daemon.select.__name__)\n"
        "pyspark.daemon.manager = manager\n"
        "sys.argv[1:] = ['pyspark.worker']\n"
        "daemon.main()\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["", "True select"], done.stderr

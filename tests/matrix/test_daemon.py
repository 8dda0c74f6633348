"""The daemon imports all that it should before it forks, on every version of Spark."""

import subprocess
import sys


def test_says_nothing_when_all_is_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    # Its port.
    assert len(done.stdout) == 4
    # Such as that an import started a thread, and is left to each worker.
    assert done.stderr.decode() == ""

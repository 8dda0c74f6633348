"""The process that suite memory measures.

Run as ``python -m hydrofoil.tools.bench.memory_worker FD WORKER``; FD is a socket.
Prints JSON: peaks in MB and CPU seconds.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from pathlib import Path

from hydrofoil.tools.replay.host import resolve

_STATUS = Path("/proc/self/status")


def _megabytes(field: str) -> float:
    [line] = [line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024 / 1e6


def _main() -> None:
    descriptor, worker = int(sys.argv[1]), sys.argv[2]
    # Imported whichever engine it is, so that none has more than the other from the start.
    for module in ("numpy", "pandas", "pyarrow", "pyspark.worker", "hydrofoil.worker"):
        importlib.import_module(module)
    work = resolve(worker)
    # Figures go to standard output, so whatever the worker prints must go elsewhere.
    figures = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    size = int(os.environ.get("SPARK_BUFFER_SIZE", 65536))
    infile = os.fdopen(os.dup(descriptor), "rb", size)
    outfile = os.fdopen(descriptor, "wb", size)
    # Makes the kernel forget the peak of importing.
    Path("/proc/self/clear_refs").write_text("5")
    start, cpu = _megabytes("VmRSS"), time.process_time()
    with contextlib.suppress(SystemExit):
        work(infile, outfile)
    outfile.close()
    cpu = time.process_time() - cpu
    infile.close()
    peak = _megabytes("VmHWM")
    with figures:
        json.dump({"peak_mb": peak, "above_start_mb": peak - start, "cpu_s": cpu}, figures)


if __name__ == "__main__":
    _main()

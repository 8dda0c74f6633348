"""One run of libFuzzer with one target: how it begins, and what it came to."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz.target import CORPUS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILT = ROOT / "build" / "fuzz"
FUZZER = BUILT / "fuzzer"

# One input's: more is a hang, or memory that grows with what an input claims.
LIMITS = ["-timeout=20", "-rss_limit_mb=3000", "-malloc_limit_mb=1500", "-max_len=20000"]
# Python's own allocator would hide what is written beyond a string. A pool of freed memory that is
# small leaves room for more fuzzers.
ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TZ": "UTC",
}
# libFuzzer's exit status where it was asked to end, and the one before it listens to that.
INTERRUPTED = (72, -signal.SIGUSR1)


def environment(name: str) -> dict[str, str]:
    """What the fuzzer's process finds its target by."""
    path = os.pathsep.join([str(BUILT), str(HERE.parent)])
    mine = {"PYTHONPATH": path, "FUZZ_TARGET": name, "FUZZ_PYTHON": sys.executable}
    return os.environ | ENVIRONMENT | mine


@dataclass(frozen=True)
class Tried:
    """What a run came to.

    ``edges`` are those of the core that were reached, by the kept inputs and in the end, and
    ``of_edges`` all that it has; ``features`` are what guides the fuzzer; ``cpu`` is in seconds.
    """

    status: int
    cpu: float
    inputs: int
    edges: tuple[int, int]
    of_edges: int
    features: tuple[int, int]

    @property
    def well(self) -> bool:
        return self.status == 0 or self.status in INTERRUPTED

    def __str__(self) -> str:
        return (
            f"{self.inputs:,} inputs; of {self.of_edges:,} edges {self.edges[0]} by the kept ones, "
            f"{self.edges[1]} now; features {self.features[0]}, {self.features[1]} now"
        )


class Trial:
    """A fuzzer that runs."""

    def __init__(self, name: str, seconds: int, more: list[str] | None = None) -> None:
        self.name = name
        self.log = BUILT / f"{name}.log"
        self.began = time.monotonic()
        found, faults = BUILT / "corpus" / name, BUILT / "faults"
        for folder in (found, faults):
            folder.mkdir(parents=True, exist_ok=True)
        command = [
            str(FUZZER),
            f"-max_total_time={seconds}",
            f"-artifact_prefix={faults}/{name}-",
            "-print_final_stats=1",
            "-use_value_profile=1",
            *LIMITS,
            *(more or []),
            str(found),
            str(CORPUS / name),
        ]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                env=environment(name),
                stdout=out,
                stderr=out,
                cwd=BUILT,
                # Ctrl-C would be an exception in its target, and so a fault.
                start_new_session=True,
            )

    def stop(self) -> None:
        """Have it end after the input that it tries."""
        self.process.send_signal(signal.SIGUSR1)

    def wait(self) -> Tried:
        """Wait for its end."""
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        log = self.log.read_text(errors="replace")
        cpu = used.ru_utime + used.ru_stime
        return summary(log, self.process.returncode, cpu)

    def end(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-3000:]


def summary(log: str, status: int, cpu: float) -> Tried:
    """What libFuzzer's output says; zeros where it ended before it said so."""

    def numbers(pattern: str) -> list[tuple[int, ...]]:
        found = re.finditer(pattern, log)
        return [tuple(int(group) for group in each.groups()) for each in found]

    covered = numbers(r"\bcov: (\d+) ft: (\d+)") or [(0, 0)]
    first = numbers(r"INITED +cov: (\d+) ft: (\d+)") or [(0, 0)]
    tried = numbers(r"number_of_executed_units: (\d+)") or [(0,)]
    edges = numbers(r"INFO: Loaded \d+ modules +\((\d+) inline") or [(0,)]
    return Tried(
        status,
        cpu,
        tried[-1][0],
        (first[0][0], covered[-1][0]),
        edges[0][0],
        (first[0][1], covered[-1][1]),
    )

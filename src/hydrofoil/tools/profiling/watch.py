"""Beside one worker: py-spy, which takes its stacks, and the worker's CPU clock, read as often.

A stack counts for the CPU time that the worker used while it stood, not for how often it was seen:
on a busy machine a process waits for a core where it was interrupted, most often in a system call.

Run as ``python -I -S watch.py PID STEM RATE PY_SPY``, by path, so that it imports nothing else.
"""

import json
import os
import signal
import subprocess
import sys
import time

_READY = "Sampling process"
_PATIENCE = 20.0


def main(pid: int, stem: str, rate: int, py_spy: str) -> None:
    """Watch until the process ends; what was seen is in STEM.trace and STEM.clock then."""
    output = f"{stem}.py-spy"
    with open(output, "wb") as log:
        began = time.monotonic()
        spy = subprocess.Popen(
            [
                *(py_spy, "record", "--native", "--function", "--full-filenames"),
                *("--rate", str(rate), "--format", "chrometrace"),
                *("--output", f"{stem}.trace", "--pid", str(pid)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    refused = wait_until_ready(spy, output)
    write(f"{stem}.ready", refused)
    if not refused:
        points = read_clock(pid, 1 / rate, spy)
        spy.wait()
        write(f"{stem}.clock", json.dumps({"began": began, "points": points}))


def wait_until_ready(spy: "subprocess.Popen[bytes]", output: str) -> str:
    """Why py-spy does not run; nothing if it does."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with open(output, encoding="utf-8", errors="replace") as log:
            said = log.read()
        if _READY in said:
            return ""
        if spy.poll() is not None:
            lines = [line for line in said.splitlines() if line.strip()]
            return f"py-spy was refused ({lines[-1].strip() if lines else spy.returncode})"
        time.sleep(0.005)
    spy.send_signal(signal.SIGINT)
    return f"py-spy did not start within {_PATIENCE:.0f} s"


def read_clock(pid: int, pause: float, spy: "subprocess.Popen[bytes]") -> list[tuple[float, float]]:
    """Pairs of time and the process's CPU time, where it changed, until the process ends.

    The clock of one that has ended goes on to be read until its parent has noticed; py-spy sees it.
    """
    # Linux's number for the CPU clock of another process; see clock_getcpuclockid(3).
    clock = (~pid << 3) | 2
    points: list[tuple[float, float]] = []
    last = (0.0, -1.0)
    ended = False
    while not ended:
        ended = spy.poll() is not None
        try:
            now = (time.monotonic(), time.clock_gettime(clock))
        except OSError:
            return points
        if now[1] != last[1]:
            if points and points[-1] != last:
                points.append(last)
            points.append(now)
        last = now
        time.sleep(pause)
    return points


def write(path: str, text: str) -> None:
    """Write a file that is whole as soon as it is there."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}.part", path)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])

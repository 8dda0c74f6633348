"""What is printed where nobody reads it any more, on its way to another process."""

import subprocess
import sys

import pytest

# Its stdout is a pipe that nobody reads, and each descriptor from 1024 on is beyond `select`.
PROGRAM = """
import os, subprocess, sys
from hydrofoil.deaths.output import Output

reader, writer = os.pipe()
os.dup2(writer, 1)
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1024)]
heir = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
output = Output()
os.close(reader)
output.carry(heir.pid)
for _ in range(20):
    os.write(1, b"x" * 10_000)
output.finish()
heir.communicate(b"end")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is by Linux's /proc")
def test_a_daemon_with_many_descriptors() -> None:
    limited = ["sh", "-c", 'ulimit -Sn 2048 && exec "$@"', "sh"]
    command = [*limited, sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=True, timeout=30)
    assert done.stderr == b"x" * 200_000

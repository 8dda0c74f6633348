"""Late imports by either of the ways in which stock's daemons wait for the JVM."""

import subprocess
import sys

import pytest

WAITS = {
    "poll": """
poller = daemon.select.poll()
poller.register(reader, daemon.select.POLLIN)
def wait():
    return [fd for fd, event in poller.poll(1000) if event & daemon.select.POLLIN]
""",
    "select": """
def wait():
    return daemon.select.select([reader], [], [], 1)[0]
""",
}
DAEMON = """
import os, sys, time, types
from hydrofoil.process import late, preload, waiting

preload.preload(stop_before="")
said = []
daemon = types.ModuleType("daemon")
waiting.schedule(daemon, [late.LateImports(said.append)])
reader, writer = os.pipe()
{wait}
began = time.monotonic()
os.write(writer, b"x")
assert wait() == [reader]
assert "pandas" not in sys.modules, "before the first workers are under way"
assert os.read(reader, 1) == b"x"
while "pandas" not in sys.modules and time.monotonic() < began + 60:
    assert wait() == []
assert "pandas" in sys.modules, said
os.write(writer, b"x")
assert wait() == [reader]
assert said == []
"""


@pytest.mark.parametrize("way", WAITS)
def test_imports_while_the_daemon_waits(way: str) -> None:
    code = DAEMON.format(wait=WAITS[way])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

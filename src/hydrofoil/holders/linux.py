"""What Linux alone says and does about processes and sockets."""

import ctypes
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

IS_LINUX = sys.platform == "linux"

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def start_time(process: int) -> str | None:
    """When a process has started, in ticks of the kernel; None where it is gone or a zombie."""
    try:
        text = Path("/proc", str(process), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in brackets, may have spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def parent(process: int) -> int:
    """The parent of a process; 0 where there is none."""
    with suppress(OSError, IndexError, ValueError):
        text = Path("/proc", str(process), "stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[1])
    return 0


def command_line(process: int) -> list[str]:
    """The words of a process's command; none where it is gone."""
    try:
        text = Path("/proc", str(process), "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in text.split(b"\0")]


def peer_user(connection: socket.socket) -> int:
    """The user of the process at the other end of a Unix socket, as the kernel knows it."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", found)[1])


def die_with(parent_process: int) -> None:
    """Have the kernel kill this process when its parent has ended, however that ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_process:
        # It has ended before it could be asked for.
        os._exit(1)


def call_it(name: str) -> None:
    """Name this process, as ps shows it: 15 characters."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:15]))


def _prctl(option: int, value: object) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def own_memory(process: int | str = "self") -> int:
    """Bytes that a process has for itself, in memory and swapped out; 0 where it is gone."""
    with suppress(OSError, ValueError, IndexError):
        total = 0
        text = Path("/proc", str(process), "smaps_rollup").read_text(encoding="ascii")
        for line in text.splitlines():
            if line.startswith(("Private_", "Swap:")):
                total += int(line.split()[1]) * 1024
        return total
    return 0

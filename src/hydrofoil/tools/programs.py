"""Programs that are run to the end: for what they say, or for what they do."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Any

Ended = subprocess.CompletedProcess[str]


def ended(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> Ended | str:
    """What a program said and how it ended; or why it can't be run, or has taken too long."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # What a program says need not be in this process's encoding.
            errors="replace",
            env=environment,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)


def exit_code(
    command: Sequence[str], environment: Mapping[str, str], log: IO[Any] | None = None
) -> int:
    """Run a program with this one's input and output, and return how it ended.

    Ctrl-C in a terminal reaches it, too. A JVM takes longer to remove its files than
    `subprocess.call` would let it: it is waited for, until Ctrl-C comes again.
    """
    process = subprocess.Popen(command, env=environment, stderr=log)
    try:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
    except BaseException:
        process.kill()
        process.wait()
        raise

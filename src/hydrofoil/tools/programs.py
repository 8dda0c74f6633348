"""Programs that are run to the end for what they say."""

import subprocess
from collections.abc import Mapping, Sequence

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
            env=environment,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)

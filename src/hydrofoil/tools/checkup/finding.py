"""What a check came to."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How bad it is, in rising order of `EXIT_CODES`."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    BROKEN = "broken"


EXIT_CODES = {Level.OK: 0, Level.NOTE: 0, Level.WARNING: 1, Level.BROKEN: 2}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found and, unless all is well, what to do."""

    check: str
    level: Level
    found: str
    advice: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 2 if something is broken, 1 if something costs speed or is a risk, otherwise 0."""
    return max((EXIT_CODES[finding.level] for finding in findings), default=0)

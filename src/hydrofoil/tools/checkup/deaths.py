"""Workers that have died, and rows that were slow, as an application's logs have them."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydrofoil.deaths.verdict import MARK
from hydrofoil.errors import UsageError

_BEGIN = rf"{re.escape(MARK)}(\d+) (died|is slow): "
_IN_A_LOG = re.compile(f"{_BEGIN}(.*)")
# In a line of JSON, such as of an event log, the end of a line is written as two characters.
_IN_JSON = re.compile(rf'{_BEGIN}((?:[^"\\]|\\[^n])*)')
_STACK = "; its stack:"
# How Spark compresses event logs of which Python can't read the compression.
_UNREAD = (".zstd", ".zst", ".lz4", ".lzf", ".snappy")


@dataclass(frozen=True)
class Told:
    """What a daemon has said of one of its workers.

    Attributes
    ----------
    file : str
        Where it was found first.
    process : int
    what : str
        "died" or "is slow".
    why : str
    """

    file: str
    process: int
    what: str
    why: str


def told_in(path: Path) -> list[Told]:
    """All that daemons have said in a log, or in the logs of a folder; each thing once.

    Parameters
    ----------
    path : Path
        An executor's or a driver's log, an event log, or a folder with any of them.

    Raises
    ------
    UsageError
        There are no files, or none that can be read.
    """
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    read = [each for each in files if each.suffix not in _UNREAD]
    if not read:
        if files:
            raise UsageError(
                f"{files[0]} is compressed in a way that Python can't read",
                hint="decompress it first, or give the executors' stderr files",
            )
        raise UsageError(f"there is no file in {path}")
    found: dict[tuple[int, str, str], Told] = {}
    for file in read:
        try:
            for process, what, why in _in(file):
                # The driver's log repeats what an executor's says.
                found.setdefault((process, what, why), Told(str(file), process, what, why))
        except EOFError:  # Compressed, and still written to, or cut off: what is there was read.
            continue
        except (OSError, zlib.error) as error:
            raise UsageError(f"{file} can't be read: {error}") from None
    return list(found.values())


def _in(file: Path) -> Iterator[tuple[int, str, str]]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            is_json = line.startswith("{")
            for match in (_IN_JSON if is_json else _IN_A_LOG).finditer(line):
                why = _unescaped(match[3]) if is_json else match[3]
                yield int(match[1]), match[2], why.removesuffix(_STACK).strip()


def _unescaped(text: str) -> str:
    """What a part of a string of JSON stands for."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text

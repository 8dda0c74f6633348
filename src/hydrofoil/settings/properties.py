"""Spark's files of settings, which it reads as Java's properties."""

import re
from collections.abc import Iterator

# What Java takes for blanks, and for the ends of lines.
_BLANKS = " \t\f"
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|$)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
# Spark leaves ends of lines in values where they stand.
_TRIMMED = "".join(chr(code) for code in range(33) if chr(code) not in "\r\n")


def parse_properties(text: str) -> dict[str, str]:
    """Read lines of a key and a value, with blanks, ``=`` or ``:`` between them.

    A backslash at the end of a line has the next one go on with it; others stand before what is
    meant as it is, or are escapes of Java's.
    """
    found = {}
    for line in _lines(text):
        match = _KEY.match(line)
        key = match[0] if match else ""
        rest = line[len(key) :].lstrip(_BLANKS)
        if rest[:1] in ("=", ":"):
            rest = rest[1:].lstrip(_BLANKS)
        found[_plain(key)] = _plain(rest).strip(_TRIMMED)
    return found


def _lines(text: str) -> Iterator[str]:
    """The lines that are no comments, each with those that go on with it."""
    whole = ""
    for line in _LINE_ENDS.split(text):
        part = line.lstrip(_BLANKS)
        if not whole and part[:1] in ("", "#", "!"):
            continue
        ended = part.rstrip("\\")
        goes_on = (len(part) - len(ended)) % 2 == 1
        whole += part[:-1] if goes_on else part
        if not goes_on:
            yield whole
            whole = ""
    if whole:
        yield whole


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _meant(escape[1]), text)


def _meant(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPED.get(escape, escape)

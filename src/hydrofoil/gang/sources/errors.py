"""How reading a source ends when it doesn't end well."""

from hydrofoil.gang.errors import GangError


class SourceError(GangError):
    """A source that is missing, or isn't what was pinned any more; the message names the file."""

    kind = "source"

"""How writing and reading a data set end when they don't end well."""

from hydrofoil.gang.errors import GangError


class DatasetError(GangError):
    """A data set that is missing, torn or changed; the message names the file."""

    kind = "dataset"


class ExportError(GangError):
    """An export that didn't come to its end. What is finished is kept for the next try."""

    kind = "export"

"""The error tree, cut by whose fault it is. Where stock PySpark raises, so does Hydrofoil."""


class HydrofoilError(Exception):
    """Base of every error that Hydrofoil itself raises.

    Parameters
    ----------
    message : str
        What was wrong, with the name or value that was.
    hint : str, optional
        What to do about it; shown on its own line.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nHint: {hint}")
        self.message = message
        self.hint = hint


class UsageError(HydrofoilError):
    """The caller's mistake: an argument, a setting or an installation that can't work."""


class UnsupportedError(HydrofoilError):
    """Something that stock PySpark can do and Hydrofoil can't; data paths fall back instead."""


class InternalError(HydrofoilError):
    """A bug in Hydrofoil."""

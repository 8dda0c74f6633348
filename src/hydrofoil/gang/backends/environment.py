"""Environment variables that a backend sets, and puts back: Spark gives workers to other tasks."""

import os


class Environment:
    """Variables of this process that are changed for a while."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def set(self, name: str, value: str) -> None:
        """Set a variable."""
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def set_default(self, name: str, value: str) -> None:
        """Set a variable unless the user has."""
        if name not in os.environ:
            self.set(name, value)

    def restore(self) -> None:
        """Put all of them back as they were."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()

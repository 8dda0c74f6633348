"""Files that commands write when all else is done: whether they can is found out before."""

import os
from pathlib import Path
from typing import Any

import click


class Written(click.Path):
    """The type of such an option. Measuring for an hour is for nothing if its report has no folder.

    Parameters
    ----------
    path_type : type
    **more
        As of `click.Path`.
    """

    def __init__(self, path_type: Any = Path, **more: Any) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=path_type, **more)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path = super().convert(value, param, ctx)
        if self.allow_dash and os.fspath(value) == "-":
            return path
        folder = Path(os.fspath(value)).absolute().parent
        if not folder.is_dir():
            self.fail(f"{os.fspath(value)!r}: there is no folder {folder}", param, ctx)
        if not os.path.lexists(value) and not os.access(folder, os.W_OK):
            self.fail(f"{os.fspath(value)!r}: no file can be made in {folder}", param, ctx)
        return path

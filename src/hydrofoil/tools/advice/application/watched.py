"""Runs a program, and advises on the functions of each of its queries: OUTPUT ROWS PROGRAM ARGS.

Before a query runs its functions are looked at, each once. ROWS is the most rows to compare, 0 for
all. What was found goes to OUTPUT as JSON, when the program ends, whether well or not.
"""

import functools
import json
import runpy
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydrofoil.driver.switch import enable
from hydrofoil.tools.advice.advise import Advised, comparing, of_uses
from hydrofoil.tools.advice.uses import first_line, uses

# What of a DataFrame runs its query, or is about to.
_ACTIONS = (
    *("collect", "count", "show", "take", "head", "first", "tail", "isEmpty", "foreach"),
    *("foreachPartition", "toLocalIterator", "toPandas", "toArrow", "checkpoint"),
    *("localCheckpoint", "writeTo"),
)
_PROPERTIES = ("write", "rdd")


class Watch:
    """The functions that were met, and what was said of them."""

    def __init__(self, rows: int | None) -> None:
        self.rows = rows
        self.found: list[Advised] = []
        self.notes: dict[str, None] = {}
        self._known: set[Any] = set()

    def look(self, df: Any) -> None:
        """Advise on the functions of a DataFrame that are new. No error comes out."""
        if comparing():
            return
        try:
            new = [use for use in uses(df) if use.identity not in self._known]
            self._known |= {use.identity for use in new}
            self.found += of_uses(new, self.rows)
        except Exception as error:
            self.notes[f"A query was left out: {first_line(error)}"] = None

    def install(self, frame: type) -> None:
        """Have a DataFrame's methods look at it before they run."""
        for name in _ACTIONS:
            original = getattr(frame, name, None)
            if original is not None:
                setattr(frame, name, self._before(original))
        for name in _PROPERTIES:
            original = vars(frame)[name]
            if isinstance(original, property):
                setattr(frame, name, property(self._before(original.__get__)))
            else:
                cached = functools.cached_property(self._before(original.func))
                cached.__set_name__(frame, name)
                setattr(frame, name, cached)

    def _before(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def looked(df: Any, *args: Any, **kwargs: Any) -> Any:
            self.look(df)
            return original(df, *args, **kwargs)

        return looked


def main(output: Path, rows: int, program: str, arguments: list[str]) -> None:
    """Run the program as Python runs a script."""
    try:
        from pyspark.sql.classic.dataframe import DataFrame
    except ImportError:  # Before Spark 4.
        from pyspark.sql import DataFrame  # type: ignore[assignment]

    # What a program's session does anyway; done later, it would stand before what looks.
    enable()
    watch = Watch(rows or None)
    watch.install(DataFrame)
    sys.argv = [program, *arguments]
    sys.path[0] = str(Path(program).resolve().parent)
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        made = {"functions": [asdict(one) for one in watch.found], "notes": list(watch.notes)}
        output.write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])

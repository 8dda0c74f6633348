"""Run the Python blocks of a page one after the other, as a reader would paste them: PAGE

In a program of its own, for pages that start Spark themselves.
"""

import contextlib
import io
import sys
from typing import Any

from blocks import ROOT, blocks


def run(page: str, namespace: dict[str, Any]) -> None:
    """Run a page's blocks in a namespace; those with a text block behind them print just that."""
    for block in blocks(page, "python"):
        if block.reason:
            continue
        # Tracebacks show lines of the page.
        code = "\n" * (block.line - 1) + block.text
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, str(ROOT / page), "exec"), namespace)
        if block.output is not None and printed.getvalue() != block.output:
            raise AssertionError(
                f"{page}:{block.line} printed\n{printed.getvalue()}and not\n{block.output}"
            )


if __name__ == "__main__":
    # What the blocks define is in __main__, so it travels to workers by value.
    run(sys.argv[1], globals())

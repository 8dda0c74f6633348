"""The examples of docs/decorators.md do what the page shows, on both workers."""

import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from hydrofoil.tools.parity.engines import Engine

PAGE = Path(__file__).parents[2] / "docs" / "decorators.md"
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE.read_text(), re.S | re.M
)


def test_all_examples_are_found() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python") == 9


@pytest.mark.parametrize(("program", "output"), EXAMPLES)
def test_example(
    worker: Engine,
    spark: SparkSession,
    capsys: pytest.CaptureFixture[str],
    program: str,
    output: str,
) -> None:
    exec(compile(program, str(PAGE), "exec"), {"__name__": "__main__", "spark": spark})
    assert capsys.readouterr().out == output

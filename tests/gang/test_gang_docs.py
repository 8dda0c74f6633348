"""The examples of docs/gang.md do what the page shows."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pyspark import cloudpickle
from pyspark.sql import SparkSession

PAGE = Path(__file__).parents[2] / "docs" / "gang.md"
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE.read_text(), re.S | re.M
)


def test_all_examples_are_found() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python") == 6


def test_examples(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, in one module, as a reader would paste them."""
    page = ModuleType("gang_page")
    sys.modules[page.__name__] = page
    cloudpickle.register_pickle_by_value(page)
    page.__dict__["spark"] = spark
    try:
        for program, output in EXAMPLES:
            exec(compile(program, str(PAGE), "exec"), page.__dict__)
            assert capsys.readouterr().out == output
    finally:
        cloudpickle.unregister_pickle_by_value(page)
        del sys.modules[page.__name__]

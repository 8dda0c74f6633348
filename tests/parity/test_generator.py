"""What the generator draws, and that it finds and shrinks a difference."""

import pytest
from pyspark.sql import SparkSession

from hydrofoil.tools.parity.drawn import Drawn
from hydrofoil.tools.parity.generator import generate
from parity.test_catalogue import ALTERED


def test_drawn_comparisons(spark: SparkSession) -> None:
    assert generate(spark, 25, seed=1) is None


@pytest.mark.slow
def test_a_planted_difference_is_found_and_shrunk(spark: SparkSession) -> None:
    found = generate(spark, 400, seed=1, right=ALTERED)
    assert found is not None
    # Integers that are one above 100 after what the function does to them.
    assert len(found.drawn.columns) == 1 and len(found.drawn.rows) == 1
    assert found.drawn.conf == {}
    assert "int:" in found.difference


def test_the_program_of_a_comparison_makes_it_again(spark: SparkSession) -> None:
    drawn = Drawn(("bigint",), ((101,),), "udf pickled", "same", ("bigint",))
    assert drawn.difference(spark) is None
    report = drawn.difference(spark, right=ALTERED)
    assert report is not None and "int:102" in report
    shown: list[Drawn] = []
    program = drawn.program().replace("from hydrofoil.tools.parity.drawn import Drawn, show\n", "")
    exec(program, {"Drawn": Drawn, "show": shown.append})
    assert shown == [drawn]

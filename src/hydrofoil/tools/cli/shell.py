"""``hydrofoil shell``: the interactive pyspark with Hydrofoil turned on."""

from hydrofoil.tools.cli.passed_on import passing_on, run


@passing_on("[OPTIONS]")
def shell(args: tuple[str, ...], rows: str | None, columnar: bool | None) -> None:
    """Run the pyspark shell with Hydrofoil turned on.

    Every option of pyspark is passed on and wins over Hydrofoil's.
    """
    run("pyspark", args, rows, columnar)

"""End-to-end benchmarks on a local Spark: `workloads` and `groups`, what runs; `clock`,
`stopwatch`, `runner` and `group_runner`, how it is measured; `report`, how it is shown.
"""

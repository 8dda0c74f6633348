"""End-to-end benchmarks on a local Spark: `workloads`, what runs; `clock`, `runner`, how it is
measured; `report`, how it is shown.
"""

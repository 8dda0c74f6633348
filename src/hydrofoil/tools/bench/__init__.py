"""End-to-end benchmarks on a local Spark.

`suites`, what is measured; `contest` and `bench`, how: engines in turn, in one session, answers
compared first; `clock` and `stopwatch`, by what; `figures`, what is made of the samples; `result`
and `report`, how it is shown.
"""

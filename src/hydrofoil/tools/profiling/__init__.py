"""Where the CPU time of Python workers goes, under stock PySpark and under Hydrofoil.

In the executors: `daemon` starts workers whose tasks `worker` keeps account of, by the process's
own CPU clock and through `streams`, while `sampler` has their stacks taken. On the driver's side:
`run` and `feed` make the two runs, `stacks` says whose time a stack is, `attribution` puts accounts
and stacks together, and `report`, `flame` and `html` show the result.
"""

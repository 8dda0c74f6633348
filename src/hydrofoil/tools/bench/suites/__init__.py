"""THE table of suites, each imported only when it is run."""

# Name -> (module, the line that `hydrofoil bench --help` shows). Each module has `run(bench)`.
SUITES = {
    "first": ("first", "plain UDFs and small groups, in under 90 seconds"),
    "origin": ("origin", "published figures of vectorized UDFs, measured again"),
    "rows": ("rows", "functions of every row, as every kind of UDF"),
    "types": ("data_types", "every type of Spark's, into a plain UDF and through it"),
    "groups": ("groups", "groups of 1 to 100,000 rows"),
    "wide": ("wide", "1 to 200 columns"),
    "batch": ("batch", "100 to 1,000,000 records a batch"),
    "startup": ("startup", "the first query, a further worker, memory of eight"),
    "latency": ("latency", "small tasks: 200 of ten rows, a shuffle of 200, micro-batches"),
    "memory": ("memory", "a worker's peak on one huge group and on very many tiny ones"),
    "driver": ("driver", "rows to and from the driver: collect, createDataFrame and their kin"),
    "gang": ("gang", "starting gangs, and feeding them"),
    "scale": ("scale", "10,000 to 100,000,000 rows, one core to all"),
    "peers": ("peers", "the same functions in DuckDB, Polars, Daft and Sail"),
    "mine": ("mine", "the functions of --mine MODULE.py on --data FILE"),
}

"""RDDs of a DataFrame's rows, and DataFrames of an RDD's: record batches between both."""

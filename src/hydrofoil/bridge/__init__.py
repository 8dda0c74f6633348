"""RDDs of a DataFrame's rows: record batches from the JVM to the functions of an RDD."""

"""The life of a worker process and its daemon. Knows nothing of Spark SQL."""

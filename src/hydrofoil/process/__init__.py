"""The life of a worker process and its daemon; knows nothing of Spark SQL."""

"""Stock PySpark's worker, and all that imports its private parts; it knows no family of plans."""

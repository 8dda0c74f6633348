"""pandas objects from Arrow columns and back, as stock PySpark makes them and at less cost."""

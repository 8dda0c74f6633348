"""Native expressions in place of Python functions: what equals them, when, and proof on data."""

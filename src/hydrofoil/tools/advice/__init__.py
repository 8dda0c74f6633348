"""Native expressions in place of Python functions: what equals them, when, and the proof on data."""

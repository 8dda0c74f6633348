"""Spark's functions made of Python's by decorators; no room but tools imports them."""

"""Decorators that make Spark functions of Python functions; `hydrofoil` exports them."""

"""Hydrofoil's version: what is built, and what data sets are signed with."""

__version__ = "0.1.0"

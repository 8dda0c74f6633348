"""Finding out why Hydrofoil is not running, or not fast, and what to change.

`examine` asks one module for each family of checks; each returns findings, and `report` shows them.
"""

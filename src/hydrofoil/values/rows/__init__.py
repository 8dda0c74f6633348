"""Rows: PySpark's `Row` objects of record batches, and record batches of rows.

The values are those of pickled rows, which is how PySpark itself sends rows: by the rules of
`pickle_rules`, but made by the core.
"""

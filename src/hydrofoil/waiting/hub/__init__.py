"""The driver's side: one budget a function for all of its tasks, and what has been answered.

A task has one connection, proven as a gang's. What it holds is given back when that ends, whatever
has ended it.
"""

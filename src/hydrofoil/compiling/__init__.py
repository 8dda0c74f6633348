"""Plain functions, translated from their code into a tree that the JVM can type and compile.

Knows Python's syntax and what is pure; knows neither Spark nor the types of columns. What it does
not know it refuses, with a reason for users.
"""

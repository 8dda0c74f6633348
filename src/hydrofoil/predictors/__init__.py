"""Models of the usual libraries as functions of columns: what each library's model takes and gives.

No library is imported before one of its models is there. ``api`` knows DataFrames; an adapter
knows arrays alone.
"""

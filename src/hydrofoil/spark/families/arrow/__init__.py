"""Functions of Arrow's objects."""

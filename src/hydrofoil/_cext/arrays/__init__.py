"""Columns as NumPy arrays and back: whole arrays are taken, or left to stock."""

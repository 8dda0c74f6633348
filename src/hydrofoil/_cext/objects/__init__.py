"""Columns as Python objects and back: exactly as stock has them, or left to stock."""

"""Frames in and frames out. Imports nothing but the core."""

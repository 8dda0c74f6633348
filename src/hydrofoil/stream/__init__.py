"""Frames in and frames out; imports nothing but the core."""

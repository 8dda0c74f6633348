"""Differential tests of the vectorized and grouped eval types."""

"""Differential tests: one query under stock's worker and under Hydrofoil's, on a real Spark."""

"""Worker benchmarks: recorded tasks replayed to stock's worker and to Hydrofoil's."""

"""What `hydrofoil profile` hands to spark-submit."""

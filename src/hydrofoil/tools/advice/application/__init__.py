"""What `hydrofoil advise` hands to spark-submit in place of the user's program, which it runs."""

"""Commands, and what measures, compares and explains; nobody imports it but `hydrofoil`, late."""

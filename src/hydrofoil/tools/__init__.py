"""Commands, and what measures, compares and explains. Nobody imports it."""

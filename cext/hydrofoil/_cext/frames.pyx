"""Arrow IPC messages: bytes to frames and back (placeholder until the reader lands)."""

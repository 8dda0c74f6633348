"""What a task did, and its way to the log and to the driver."""

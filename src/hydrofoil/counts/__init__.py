"""What a task did, on its way to the log and to the driver; imports nothing of ours."""

"""What workers report to the driver while they run functions: rows that failed, and log records."""

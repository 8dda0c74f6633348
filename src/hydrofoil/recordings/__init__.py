"""Files that keep what the JVM sent a worker for one task."""

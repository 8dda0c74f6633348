"""One way through each family of functions; it asks the version's record, and names no version."""

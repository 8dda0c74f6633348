"""Functions of Series and data frames; imported when a task has one, for others need no pandas."""

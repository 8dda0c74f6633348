"""What an error of a user's function says beside its own text: where in the data it was."""

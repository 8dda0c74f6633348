"""Which path the functions of a program take, and how much went which way, asked from Python."""

"""The compiled core: Arrow's bytes to values and back, row by row; imports nothing else of ours."""

"""Values in and out: the type table, arrays, data frames, pickled ones; calls no function."""

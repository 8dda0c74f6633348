"""Values in and out: the type table, pickled values, data frames, arrays."""

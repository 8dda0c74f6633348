"""Pickle's rules on Arrow's transport: what the pickled path of plain UDFs makes of values.

On that path the JVM pickles arguments, PySpark's types convert them, and results go back the same
way; a result of another class than the declared type's becomes null, or text, or fails. Here the
same happens to what came as Arrow: `arguments` makes what would have been unpickled, `results` what
the JVM would have made of a result, `java` says how values look there, and `map_order` in which
order a map has its entries, by the table of `hash_map`.
"""

"""Record what the JVM sends a Python worker; replay it to any worker and measure its CPU time.

`recording` is the file format, `recorder` the daemon that writes it, `stream` and `answer` read the
two directions of the exchange, `player` measures, with the help of the process in `host`.
"""

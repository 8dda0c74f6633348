"""A task's side: rows to calls in flight to rows, in order. Nothing here needs a driver.

The worker's main thread reads and writes batches; one thread more has the event loop, in which all
calls are, and which lives as long as the worker.
"""

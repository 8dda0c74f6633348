"""Models that all workers of a host share: processes that keep them, and the way to those.

Nothing here knows of Spark's columns: arrays go to a model, and what it returned comes back. A
keeper, one for each application on a host, has a holder for each model, which runs batches itself
or forks a slot for each worker.
"""

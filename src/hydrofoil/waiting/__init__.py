"""Functions that wait for services: many calls in flight, limits that hold across the cluster.

A task's side is `calls`; the driver's is `hub`, which tasks reach by the channel of gangs. It
imports nothing of decorators, which import it.
"""

"""In place of ``horovod``: ``horovod.spark`` starts ranks, ``horovod.torch`` is what they call."""

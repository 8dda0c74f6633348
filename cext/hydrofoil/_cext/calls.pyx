"""Functions of RDDs, called for one item of an iterator after the other.

PySpark puts a function of Python's around a program's own, so that a `StopIteration` which that
raises does not look like the end of the rows. That costs more than many a function itself; here it
is a check between two items. Items and results are the caller's; nothing is kept.
"""


cdef class _Calls:
    cdef object function
    cdef object items
    cdef object stopped

    def __init__(self, function, items, stopped):
        """
        Parameters
        ----------
        function : callable
            Of one item.
        items : iterable
        stopped : callable
            Raises, for the `StopIteration` that the function has raised, what PySpark does.
        """
        self.function, self.items, self.stopped = function, iter(items), stopped

    def __iter__(self):
        return self

    cdef object call(self, object item):
        try:
            return self.function(item)
        except StopIteration as error:
            self.stopped(error)
            raise RuntimeError("a function's StopIteration was not turned into an error") from error


cdef class Mapped(_Calls):
    """What a function makes of each item, as ``map`` gives it."""

    def __next__(self):
        return self.call(next(self.items))


cdef class Kept(_Calls):
    """The items of which a function says so, as ``filter`` gives them."""

    def __next__(self):
        while True:
            item = next(self.items)
            if self.call(item):
                return item

"""The row loops: read a row's arguments, call the user's function, write its result.

No list of rows, no tuple per row: arguments go to the function by vectorcall and its result straight to the
encoder. Whatever happens, the function is called once for each row, in order.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE

from hydrofoil._cext.codecs.base cimport LEFT, Decoder, Encoder

cdef extern from "Python.h":
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    object PyObject_Vectorcall(object function, PyObject** args, size_t nargsf, PyObject* kwnames)
    object PyObject_CallOneArg(object function, object argument)
    object PyObject_CallNoArgs(object function)


cdef class Call:
    """How one UDF is called: its chained functions, and which columns are its arguments.

    Parameters
    ----------
    functions : tuple of callables
        The first is given the arguments, each further one its predecessor's result.
    slots : tuple of int
        For each argument, positional ones first, its place among the values of a row.
    keywords : tuple of str
        Names of the last arguments.
    """

    cdef readonly tuple functions
    cdef readonly tuple slots
    cdef readonly tuple keywords
    cdef object first
    cdef tuple rest
    cdef Py_ssize_t count
    cdef Py_ssize_t positional
    cdef PyObject** values

    def __cinit__(self, tuple functions not None, tuple slots not None, tuple keywords not None=()):
        self.functions, self.slots, self.keywords = functions, slots, keywords
        self.first, self.rest = functions[0], functions[1:]
        self.count = len(slots)
        self.positional = self.count - len(keywords)
        # Slot 0 is scratch that a vectorcall may use for `self`.
        self.values = <PyObject**>PyMem_Malloc((self.count + 1) * sizeof(PyObject*))
        if self.values == NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_Free(self.values)

    cdef inline object chain(self, object result):
        for function in self.rest:
            result = PyObject_CallOneArg(function, result)
        return result

    cdef inline object vector(self, PyObject** arguments):
        # `arguments` are borrowed from somebody who keeps them alive.
        result = PyObject_Vectorcall(
            self.first,
            arguments,
            <size_t>self.positional | PY_VECTORCALL_ARGUMENTS_OFFSET,
            <PyObject*>self.keywords if self.positional != self.count else NULL,
        )
        return self.chain(result) if self.rest else result


cdef class RowLoop:
    """Runs one UDF over a batch.

    Attributes
    ----------
    row : int
        The row that the loop was at when it stopped or raised.
    reading : bool
        Whether it raised while it read an argument, and so before the function was called.
    left : object
        The result that the encoder would not take.
    """

    cdef readonly Call call
    cdef readonly Py_ssize_t row
    cdef readonly bint reading
    cdef readonly object left

    def __cinit__(self, Call call not None):
        self.call = call

    def evaluate(self, list decoders not None, Encoder encoder not None, list kept, Py_ssize_t n):
        """Call the function for rows 0 to n - 1 and write its results to the encoder.

        Parameters
        ----------
        decoders : list of Decoder
            One for each distinct column among the arguments, bound to the batch; the call's slots
            are places in it.
        kept : list or None
            Takes every result that was written, if the encoder cannot give them back.

        Returns
        -------
        int
            How many results were taken. If fewer than ``n``, the next one is in ``left``.
        """
        cdef Decoder decoder
        cdef Py_ssize_t i
        encoder.reset()
        self.left = None
        if self.call.count == 1:
            decoder = <Decoder>decoders[0]
            if not self.call.keywords:
                for i in range(n):
                    self.row = i
                    self.reading = True
                    argument = decoder.read(i)
                    self.reading = False
                    result = PyObject_CallOneArg(self.call.first, argument)
                    if self.call.rest:
                        result = self.call.chain(result)
                    if encoder.write(result) == LEFT:
                        self.left = result
                        return i
                    if kept is not None:
                        kept.append(result)
                return n
        for i in range(n):
            result = self.one(decoders, i)
            if encoder.write(result) == LEFT:
                self.left = result
                return i
            if kept is not None:
                kept.append(result)
        return n

    def collect(self, list decoders not None, Py_ssize_t start, Py_ssize_t stop):
        """Call the function for the given rows, and return its results as they are."""
        cdef list results = []
        cdef Py_ssize_t i
        for i in range(start, stop):
            results.append(self.one(decoders, i))
        return results

    def arguments(self, list decoders not None, Py_ssize_t start, Py_ssize_t stop):
        """The given rows' arguments, a tuple each, positional ones first."""
        cdef Decoder decoder
        cdef Py_ssize_t i
        columns = []
        for decoder in decoders:
            columns.append([decoder.read(i) for i in range(start, stop)])
        if not columns:
            return [()] * (stop - start)
        return list(zip(*[columns[slot] for slot in self.call.slots]))

    cdef object one(self, list decoders, Py_ssize_t i):
        cdef Py_ssize_t k, slot, distinct = PyList_GET_SIZE(decoders)
        cdef PyObject* storage[8]
        cdef PyObject** row = storage
        cdef PyObject** arguments = self.call.values + 1
        cdef Py_ssize_t held = 0
        self.row = i
        if self.call.count == 0:
            result = PyObject_CallNoArgs(self.call.first)
            return self.call.chain(result) if self.call.rest else result
        if distinct > 8:
            row = <PyObject**>PyMem_Malloc(distinct * sizeof(PyObject*))
            if row == NULL:
                raise MemoryError()
        try:
            self.reading = True
            for k in range(distinct):
                value = (<Decoder><object>PyList_GET_ITEM(decoders, k)).read(i)
                Py_INCREF(value)
                row[k] = <PyObject*>value
                held += 1
            self.reading = False
            for k in range(self.call.count):
                slot = <object>PyTuple_GET_ITEM(self.call.slots, k)
                arguments[k] = row[slot]
            return self.call.vector(arguments)
        finally:
            for k in range(held):
                Py_XDECREF(row[k])
            if row != storage:
                PyMem_Free(row)


cdef class Replay:
    """Stands in for a UDF inside stock's code.

    With nothing to replay it calls the function. Otherwise each call answers with the next result that is
    known already, whatever it is given; when they run out, ``rest`` is asked once for all that are
    missing, or, without it, the function is called with what stock gives.
    """

    cdef readonly object function
    cdef list results
    cdef object rest
    cdef Py_ssize_t at

    def __cinit__(self, function):
        self.function = function
        self.results = []

    def load(self, list results not None, rest=None):
        self.results, self.rest, self.at = results, rest, 0

    def __call__(self, *args, **kwargs):
        if self.rest is not None:
            rest, self.rest = self.rest, None
            self.results.extend(rest())
        if self.at < PyList_GET_SIZE(self.results):
            self.at += 1
            return <object>PyList_GET_ITEM(self.results, self.at - 1)
        return self.function(*args, **kwargs)


cdef class PickledLoop:
    """Runs the UDFs of a projection over batches of unpickled rows.

    Parameters
    ----------
    calls : list of Call
        Their slots are offsets into a row.
    convert : list
        For each UDF, what its result goes through (a type's ``toInternal``), or None.

    Attributes
    ----------
    udf : int
        The UDF that was being called when the loop raised.
    """

    cdef list calls
    cdef list convert
    cdef readonly Py_ssize_t udf

    def __cinit__(self, list calls not None, list convert not None):
        self.calls, self.convert = calls, convert

    def evaluate(self, rows, list results not None):
        """Append each row's result: the value itself of a single UDF, a tuple of several."""
        cdef Py_ssize_t k, count = PyList_GET_SIZE(self.calls)
        if count == 1:
            call, convert = self.calls[0], self.convert[0]
            if convert is None:
                for row in rows:
                    results.append(call_with(<Call>call, row))
            else:
                for row in rows:
                    results.append(PyObject_CallOneArg(convert, call_with(<Call>call, row)))
            return
        for row in rows:
            answers = []
            for k in range(count):
                self.udf = k
                result = call_with(<Call>self.calls[k], row)
                if self.convert[k] is not None:
                    result = PyObject_CallOneArg(self.convert[k], result)
                answers.append(result)
            results.append(tuple(answers))


cdef object call_with(Call call, object row):
    cdef Py_ssize_t k, slot
    cdef PyObject** arguments = call.values + 1
    if PyTuple_CheckExact(row):
        for k in range(call.count):
            slot = <object>PyTuple_GET_ITEM(call.slots, k)
            if slot >= PyTuple_GET_SIZE(row):
                raise IndexError("tuple index out of range")
            arguments[k] = <PyObject*>PyTuple_GET_ITEM(row, slot)
        return call.vector(arguments)
    # A list can be changed by the function while its arguments are borrowed; a row of another type
    # makes its items anew. Both are held by this list of references.
    held = [row[slot] for slot in call.slots]
    for k in range(call.count):
        arguments[k] = <PyObject*>PyList_GET_ITEM(held, k)
    return call.vector(arguments)

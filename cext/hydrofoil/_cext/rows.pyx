"""The row loops: read a row's arguments, call the user's function, write its result.

No list of rows, no tuple per row: arguments go to the function by vectorcall and its result
straight to the encoder. Whatever happens, the function is called once for each row, in order.
"""

from cpython.buffer cimport PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcpy

from hydrofoil._cext.objects.base cimport LEFT, Decoder, Encoder
from hydrofoil._cext.recycle cimport take_over

cdef extern from "Python.h":
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    PyObject* PyObject_Vectorcall(
        object function, PyObject** args, size_t nargsf, PyObject* kwnames
    )
    object PyObject_CallOneArg(object function, object argument)


cdef extern from *:
    """
    /* The interpreter checks what a C function returns; a Python function needs no check. */
    static inline vectorcallfunc hydrofoil_direct_call(PyObject* function) {
        return PyFunction_Check(function) ? PyVectorcall_Function(function) : NULL;
    }
    static inline PyObject** hydrofoil_items_of(PyObject* tuple) {
        return ((PyTupleObject*)tuple)->ob_item;
    }
    """
    PyObject** items_of "hydrofoil_items_of"(object row)
    ctypedef PyObject* (*vectorcallfunc)(PyObject*, PyObject**, size_t, PyObject*)
    vectorcallfunc direct_call "hydrofoil_direct_call"(object function)


# Where the loops note, for whoever asks what has become of this process, the row of its batch that
# they have begun, and behind it the UDF of a projection of pickled rows.
cdef Py_ssize_t[2] _nowhere
cdef Py_ssize_t* _begun = _nowhere
cdef Py_buffer _noted_in


def note_rows_in(memory not None):
    """Have the loops of this process note the row that they begin in ``memory``, of 16 bytes."""
    global _begun
    cdef Py_buffer taken
    PyObject_GetBuffer(memory, &taken, PyBUF_WRITABLE)
    if taken.len != sizeof(_nowhere):
        PyBuffer_Release(&taken)
        raise ValueError(f"{sizeof(_nowhere)} bytes are needed, not {len(memory)}")
    _begun = <Py_ssize_t*>taken.buf
    PyBuffer_Release(&_noted_in)
    memcpy(&_noted_in, &taken, sizeof(taken))


cdef class Call:
    """How one UDF is called: its chained functions, and which values of a row are its arguments.

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
    cdef bint chained
    cdef PyObject* names
    cdef Py_ssize_t count
    cdef Py_ssize_t last_slot
    cdef size_t flags
    cdef vectorcallfunc direct
    cdef bint in_order
    cdef PyObject** arguments

    def __cinit__(self, tuple functions not None, tuple slots not None, tuple keywords not None=()):
        self.functions, self.slots, self.keywords = functions, slots, keywords
        self.first, self.rest = functions[0], functions[1:]
        self.chained = len(functions) > 1
        self.names = <PyObject*>self.keywords if keywords else NULL
        self.count = len(slots)
        self.last_slot = max(slots, default=-1)
        self.flags = <size_t>(self.count - len(keywords)) | PY_VECTORCALL_ARGUMENTS_OFFSET
        self.direct = direct_call(self.first)
        self.in_order = slots == tuple(range(self.count))
        # The place before the first argument is scratch that a callee may use.
        self.arguments = <PyObject**>PyMem_Malloc((self.count + 1) * sizeof(PyObject*))
        if self.arguments == NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_Free(self.arguments)

    cdef inline PyObject** gather(self, PyObject** row):
        # The arguments' places, in the order of the call; `row` is borrowed.
        cdef Py_ssize_t k, slot
        for k in range(self.count):
            slot = <object>PyTuple_GET_ITEM(self.slots, k)
            self.arguments[k + 1] = row[slot]
        return self.arguments + 1

    cdef inline object invoke(self, PyObject** arguments):
        # `arguments` are borrowed from somebody who keeps them alive; arguments[-1] must be ours to
        # use.
        cdef PyObject* answer
        if self.direct != NULL:
            answer = self.direct(<PyObject*>self.first, arguments, self.flags, self.names)
        else:
            answer = PyObject_Vectorcall(self.first, arguments, self.flags, self.names)
        result = take_over(answer)
        if self.chained:
            for function in self.rest:
                result = PyObject_CallOneArg(function, result)
        return result


cdef class RowLoop:
    """Runs one UDF over a batch.

    Attributes
    ----------
    row : int
        The row that the loop was at when it stopped or raised.
    reading : bool
        Whether it raised while it read an argument, and so before the function was called.
    raised : bool
        Whether it raised at all.
    left : object
        The result that the encoder did not take.
    shared : bool
        It was not taken because somebody else could still change it, and not because of its type.
    """

    cdef readonly Call call
    cdef readonly Py_ssize_t row
    cdef readonly bint reading
    cdef readonly bint raised
    cdef readonly object left
    cdef readonly bint shared
    # One row's values, each owned, and a scratch place before them.
    cdef PyObject** storage
    cdef Py_ssize_t width

    def __cinit__(self, Call call not None):
        self.call = call
        self.width = len(set(call.slots))
        self.storage = <PyObject**>PyMem_Calloc(self.width + 1, sizeof(PyObject*))
        if self.storage == NULL:
            raise MemoryError()

    def __dealloc__(self):
        self.forget()
        PyMem_Free(self.storage)

    cdef void forget(self) noexcept:
        cdef Py_ssize_t k
        for k in range(1, self.width + 1):
            Py_XDECREF(self.storage[k])
            self.storage[k] = NULL

    cdef inline object one(self, list decoders, Py_ssize_t i, bint* reading):
        # `reread` takes the last row's value over even when it raises.
        cdef PyObject** row = self.storage + 1
        cdef PyObject* spare
        cdef Py_ssize_t k
        reading[0] = True
        for k in range(self.width):
            spare, row[k] = row[k], NULL
            row[k] = (<Decoder>PyList_GET_ITEM(decoders, k)).reread(i, spare)
        reading[0] = False
        return self.call.invoke(row if self.call.in_order else self.call.gather(row))

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
        cdef Py_ssize_t i = 0
        cdef bint reading = False
        self._check(decoders)
        encoder.reset()
        self.left, self.shared, self.raised = None, False, False
        try:
            if self.width == 1 and self.call.in_order and not encoder.mutable and kept is None:
                return self.evaluate_plain(<Decoder>decoders[0], encoder, n, &i, &reading)
            for i in range(n):
                _begun[0] = i
                result = self.one(decoders, i, &reading)
                if encoder.mutable and not encoder.exclusive(
                    <PyObject*>result, self.owners(result)
                ):
                    self.left, self.shared = result, True
                    return i
                if encoder.write(result) == LEFT:
                    self.left = result
                    return i
                if kept is not None:
                    kept.append(result)
                # What it shares with the arguments can be used again.
                result = None
            return n
        except BaseException:
            self.raised = True
            raise
        finally:
            self.row, self.reading = i, reading
            self.forget()

    cdef Py_ssize_t evaluate_plain(
        self, Decoder decoder, Encoder encoder, Py_ssize_t n, Py_ssize_t* row, bint* reading
    ) except -1:
        # One argument and a result that nobody can change: the case that every cycle counts in.
        cdef Call call = self.call
        cdef PyObject** value = self.storage + 1
        cdef PyObject* spare
        cdef Py_ssize_t i
        for i in range(n):
            _begun[0] = row[0] = i
            reading[0] = True
            spare, value[0] = value[0], NULL
            value[0] = decoder.reread(i, spare)
            reading[0] = False
            result = call.invoke(value)
            if encoder.write(result) == LEFT:
                self.left = result
                return i
            # An argument that was given back can be used again.
            result = None
        return n

    cdef inline Py_ssize_t owners(self, object result):
        # References to a result that are ours: `result` itself, and the row, if it is an argument.
        cdef Py_ssize_t k
        for k in range(1, self.width + 1):
            if self.storage[k] == <PyObject*>result:
                return 2
        return 1

    def collect(self, list decoders not None, Py_ssize_t start, Py_ssize_t stop):
        """Call the function for the given rows, and return its results as they are."""
        cdef list results = []
        cdef Py_ssize_t i = start
        cdef bint reading = False
        self._check(decoders)
        self.raised = False
        try:
            for i in range(start, stop):
                _begun[0] = i
                results.append(self.one(decoders, i, &reading))
            return results
        except BaseException:
            self.raised = True
            raise
        finally:
            self.row, self.reading = i, reading
            self.forget()

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

    def _check(self, list decoders):
        if len(decoders) != self.width or not all(isinstance(d, Decoder) for d in decoders):
            raise ValueError(f"{self.width} decoders are needed, not {decoders!r}")


cdef class Replay:
    """Stands in for a UDF inside stock's code.

    With nothing to replay it calls the function. Otherwise each call answers with the next result
    that is known already, whatever it is given; when they run out, ``rest`` is asked once for all
    that are missing, or, without it, the function is called with what stock gives.

    Attributes
    ----------
    results : list
        What is known of its results.
    at : int
        How often it was called since it was loaded.
    """

    cdef readonly object function
    cdef readonly list results
    cdef object rest
    cdef readonly Py_ssize_t at

    def __cinit__(self, function):
        self.function = function
        self.results = []

    def load(self, list results not None, rest=None):
        self.results, self.rest, self.at = results, rest, 0

    def __call__(self, *args, **kwargs):
        if self.rest is not None:
            rest, self.rest = self.rest, None
            self.results.extend(rest())
        self.at += 1
        if self.at <= PyList_GET_SIZE(self.results):
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
    row : int
        The row of the last batch that it was at.
    udf : int
        The UDF of that row that it was at.
    """

    cdef list calls
    cdef list convert
    cdef readonly Py_ssize_t row
    cdef readonly Py_ssize_t udf

    def __cinit__(self, list calls not None, list convert not None):
        self.calls, self.convert = calls, convert

    def evaluate(self, rows, list results not None):
        """Append each row's result: the value itself of a single UDF, a tuple of several."""
        cdef Py_ssize_t k, count = PyList_GET_SIZE(self.calls)
        self.row, self.udf = -1, 0
        if count == 1:
            call, convert = self.calls[0], self.convert[0]
            if convert is None:
                for row in rows:
                    self.row += 1
                    _begun[0] = self.row
                    results.append(call_with(<Call>call, row))
            else:
                for row in rows:
                    self.row += 1
                    _begun[0] = self.row
                    results.append(PyObject_CallOneArg(convert, call_with(<Call>call, row)))
            return
        for row in rows:
            self.row += 1
            _begun[0] = self.row
            answers = []
            for k in range(count):
                self.udf = _begun[1] = k
                result = call_with(<Call>self.calls[k], row)
                if self.convert[k] is not None:
                    result = PyObject_CallOneArg(self.convert[k], result)
                answers.append(result)
            results.append(tuple(answers))


cdef object call_with(Call call, object row):
    if type(row) is not tuple:
        # Whatever the function does to a row that can change, these are its items.
        row = tuple(row)
    if call.last_slot >= PyTuple_GET_SIZE(row):
        raise IndexError("tuple index out of range")
    return call.invoke(call.gather(items_of(row)))

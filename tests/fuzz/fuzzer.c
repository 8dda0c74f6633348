/* The process of a fuzzer: libFuzzer around a Python that has the instrumented core.

   FUZZ_TARGET names a module of fuzz.targets, whose inputs are tried by fuzz.target.guarded;
   FUZZ_PYTHON is the Python whose libraries are used. libFuzzer counts the edges of the core and
   reports them as "cov"; lines of Hydrofoil's Python code are counted as features ("ft") as well. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINES (1 << 15)
#define OURS "/hydrofoil/"
#define NAMED 40 /* As many of a path's last characters as name a file. */

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t lines[LINES];

static PyObject *run;

static void count_line(PyCodeObject *code, int line) {
    Py_ssize_t size, i;
    const char *name = PyUnicode_AsUTF8AndSize(code->co_filename, &size);
    uint32_t hash = 2166136261u ^ (uint32_t)line;
    if (name == NULL) {
        PyErr_Clear();
        return;
    }
    for (i = size > NAMED ? size - NAMED : 0; i < size; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    hash ^= hash >> 15;
    if (lines[hash % LINES] < 255)
        lines[hash % LINES]++;
}

static int on_event(PyObject *unused, PyFrameObject *frame, int what, PyObject *argument) {
    PyCodeObject *code = PyFrame_GetCode(frame);
    const char *name;
    if (what == PyTrace_CALL) {
        name = PyUnicode_AsUTF8(code->co_filename);
        if (name == NULL)
            PyErr_Clear();
        if (name == NULL || strstr(name, OURS) == NULL)
            PyObject_SetAttrString((PyObject *)frame, "f_trace_lines", Py_False);
    } else if (what == PyTrace_LINE) {
        count_line(code, PyFrame_GetLineNumber(frame));
    }
    Py_DECREF(code);
    return 0;
}

static void stop(const char *what) {
    if (PyErr_Occurred())
        PyErr_Print();
    fprintf(stderr, "fuzzer: %s\n", what);
    exit(1);
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (value == NULL)
        stop(name);
    return value;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    PyConfig config;
    PyObject *module;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0; /* libFuzzer has its own. */
    if (PyStatus_Exception(
            PyConfig_SetBytesString(&config, &config.program_name, setting("FUZZ_PYTHON"))) ||
        PyStatus_Exception(Py_InitializeFromConfig(&config)))
        stop("Python does not start");
    PyConfig_Clear(&config);
    module = PyImport_ImportModule("fuzz.target");
    run = module ? PyObject_CallMethod(module, "guarded", "s", setting("FUZZ_TARGET")) : NULL;
    if (run == NULL)
        stop("there is no such target");
    PyEval_SetTrace(on_event, NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    PyObject *input = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *result = input ? PyObject_CallOneArg(run, input) : NULL;
    if (result == NULL)
        abort(); /* Of what is a fault the target has told already. */
    Py_DECREF(result);
    Py_DECREF(input);
    return 0;
}

#include <pybind11/pybind11.h>

#include "mien/dispatch.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace py = pybind11;

namespace mien {

void bindRuntime(py::module_& module) {
    module.attr("version") = MIEN_VERSION;
    module.def("instruction_set", &instructionSet);
    module.def("thread_count", &threadCount);

    // The core's errors become the package's own types, so that one `except` serves both.
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const Error& error) {
            const char* name = error.status() == Status::numericalFailure ? "NumericalError"
                               : error.status() == Status::badFormat      ? "FormatError"
                                                                          : nullptr;
            if (!name) {
                PyErr_SetString(PyExc_ValueError, error.what());
                return;
            }
            const py::object type = py::module_::import("mien.errors").attr(name);
            PyErr_SetString(type.ptr(), error.what());
        }
    });
}

}  // namespace mien

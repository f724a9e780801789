#include "arrays.h"
#include "mien/contact.h"

namespace mien {
namespace {

ContactSide borrow(const Int32Array& triangles, std::int64_t vertices, const char* name) {
    requireShape(triangles, {triangles.shape(0), 3}, name);
    return {vertices, triangles.data(), triangles.shape(0)};
}

DoubleArray correct(const Contact& contact, const DoubleArray& before, const DoubleArray& now) {
    const py::ssize_t frames = before.shape(0);
    requireShape(before, {frames, contact.vertices(), 3}, "before");
    requireShape(now, {frames, contact.vertices(), 3}, "now");
    DoubleArray moves({frames, static_cast<py::ssize_t>(contact.moving()), py::ssize_t{3}});
    const double *from = before.data(), *to = now.data();
    double* out = moves.mutable_data();
    {
        py::gil_scoped_release release;
        contact.correct(from, to, frames, out);
    }
    return moves;
}

}  // namespace

void bindContact(py::module_& module) {
    py::class_<Contact>(module, "Contact")
        .def(py::init([](const Int32Array& first, std::int64_t firstVertices, const Int32Array& second,
                         std::int64_t secondVertices, double near, double unit, bool secondYields) {
                 return Contact(borrow(first, firstVertices, "first"),
                                borrow(second, secondVertices, "second"), {near, unit, secondYields});
             }),
             py::arg("first").noconvert(), py::arg("first_vertices"), py::arg("second").noconvert(),
             py::arg("second_vertices"), py::kw_only(), py::arg("near"), py::arg("unit"),
             py::arg("second_yields"))
        .def("correct", &correct, py::arg("before").noconvert(), py::arg("now").noconvert());
}

}  // namespace mien

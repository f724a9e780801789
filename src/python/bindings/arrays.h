// Borrowing NumPy arrays as the core's views. Nothing here converts: Python has checked and said why; what is
// wrong here is a mistake of the package, and is refused.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "mien/views.h"

namespace py = pybind11;

namespace mien {

using DoubleArray = py::array_t<double, py::array::c_style>;
using Int32Array = py::array_t<std::int32_t, py::array::c_style>;

inline Scalar scalarOf(const py::array& array, const char* name) {
    if (py::isinstance<py::array_t<float>>(array)) return Scalar::float32;
    if (py::isinstance<py::array_t<double>>(array)) return Scalar::float64;
    throw py::type_error(std::string("`") + name + "` must be float32 or float64");
}

inline void requirePoints(const py::array& array, const char* name) {
    const auto item = static_cast<py::ssize_t>(array.itemsize());
    const int n = static_cast<int>(array.ndim());
    if ((n != 2 && n != 3) || array.shape(n - 1) != 3 || (array.size() > 0 && array.strides(n - 1) != item))
        throw py::type_error(std::string("`") + name +
                             "` must be (V, 3) or (F, V, 3) with x, y, z side by side");
}

// (F, V, 3) or (V, 3), which counts as one frame.
inline ConstFrames borrowFrames(const py::array& array, const char* name) {
    requirePoints(array, name);
    const bool sequence = array.ndim() == 3;
    return {array.data(),
            scalarOf(array, name),
            sequence ? array.shape(0) : 1,
            sequence ? array.shape(1) : array.shape(0),
            sequence ? array.strides(0) : 0,
            sequence ? array.strides(1) : array.strides(0)};
}

inline Frames borrowMutableFrames(py::array& array, const char* name) {
    const ConstFrames view = borrowFrames(array, name);
    return {array.mutable_data(), view.scalar,      view.frames,
            view.vertices,        view.frameStride, view.vertexStride};
}

inline void requireShape(const py::array& array, std::initializer_list<py::ssize_t> shape, const char* name) {
    bool same = array.ndim() == static_cast<py::ssize_t>(shape.size());
    py::ssize_t axis = 0;
    for (const py::ssize_t size : shape) same = same && array.shape(axis++) == size;
    if (!same) throw py::value_error(std::string("`") + name + "` has the wrong shape");
}

}  // namespace mien

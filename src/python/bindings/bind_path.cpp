#include "arrays.h"
#include "mien/path.h"

namespace mien {
namespace {

// (path, variance of places about it, variance of its third difference)
py::tuple steady(const DoubleArray& places, const DoubleArray& weights, double least, double most) {
    if (places.ndim() != 2) throw py::value_error("`places` must have two dimensions");
    const py::ssize_t frames = places.shape(0), coordinates = places.shape(1);
    requireShape(weights, {frames}, "weights");
    DoubleArray path({frames, coordinates});
    const double *from = places.data(), *given = weights.data();
    double* to = path.mutable_data();
    PathNoise noise;
    {
        py::gil_scoped_release release;
        noise = steadyPath(from, given, frames, static_cast<int>(coordinates), least, most, to);
    }
    return py::make_tuple(path, noise.measured, noise.driven);
}

}  // namespace

void bindPath(py::module_& module) {
    module.def("steady_path", &steady, py::arg("places").noconvert(), py::arg("weights").noconvert(),
               py::arg("least"), py::arg("most"));
}

}  // namespace mien

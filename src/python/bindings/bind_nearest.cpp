#include "arrays.h"
#include "mien/nearest.h"

namespace mien {
namespace {

py::tuple find(const NearestPoints& points, const DoubleArray& queries, int neighbours) {
    requireShape(queries, {queries.shape(0), points.dimension()}, "queries");
    const py::ssize_t n = queries.shape(0), k = neighbours;
    if (k < 1) throw py::value_error("`neighbours` must be at least 1");
    Int32Array index({n, k});
    DoubleArray squared({n, k});
    const double* from = queries.data();
    std::int32_t* which = index.mutable_data();
    double* far = squared.mutable_data();
    {
        py::gil_scoped_release release;
        points.find(from, n, neighbours, which, far);
    }
    return py::make_tuple(index, squared);
}

}  // namespace

void bindNearest(py::module_& module) {
    py::class_<NearestPoints>(module, "NearestPoints")
        .def(py::init([](const DoubleArray& points) {
                 if (points.ndim() != 2) throw py::value_error("`points` has the wrong shape");
                 return NearestPoints(points.data(), points.shape(0), static_cast<int>(points.shape(1)));
             }),
             py::arg("points").noconvert())
        .def("find", &find, py::arg("queries").noconvert(), py::arg("neighbours"));
}

}  // namespace mien

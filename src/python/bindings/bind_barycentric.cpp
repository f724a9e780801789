#include "arrays.h"
#include "mien/barycentric.h"

namespace mien {
namespace {

void points(const py::array& positions, const Int32Array& corners, const DoubleArray& coordinates,
            py::array out) {
    const ConstFrames from = borrowFrames(positions, "positions");
    const Frames to = borrowMutableFrames(out, "out");
    requireShape(corners, {to.vertices, 3}, "corners");
    requireShape(coordinates, {to.vertices, 3}, "coordinates");
    const std::int32_t* c = corners.data();
    const double* w = coordinates.data();
    py::gil_scoped_release release;
    surfacePoints(from, c, w, to);
}

}  // namespace

void bindBarycentric(py::module_& module) {
    module.def("surface_points", &points, py::arg("positions").noconvert(), py::arg("corners").noconvert(),
               py::arg("coordinates").noconvert(), py::arg("out").noconvert());
}

}  // namespace mien

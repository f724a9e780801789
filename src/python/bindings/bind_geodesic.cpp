#include "arrays.h"
#include "mien/geodesic.h"

namespace mien {
namespace {

void distance(const py::array& positions, const Int32Array& triangles, const Int32Array& seeds, double limit,
              DoubleArray out) {
    const ConstFrames points = borrowFrames(positions, "positions");
    requireShape(triangles, {triangles.shape(0), 3}, "triangles");
    requireShape(seeds, {seeds.size()}, "seeds");
    requireShape(out, {points.vertices}, "out");
    const std::int32_t *corners = triangles.data(), *from = seeds.data();
    const std::int64_t triangleCount = triangles.shape(0), seedCount = seeds.size();
    double* to = out.mutable_data();
    py::gil_scoped_release release;
    geodesicDistance(points, corners, triangleCount, from, seedCount, limit, to);
}

}  // namespace

void bindGeodesic(py::module_& module) {
    module.def("geodesic_distance", &distance, py::arg("positions").noconvert(),
               py::arg("triangles").noconvert(), py::arg("seeds").noconvert(), py::arg("limit"),
               py::arg("out").noconvert());
}

}  // namespace mien

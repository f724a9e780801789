#include <algorithm>
#include <memory>

#include "arrays.h"
#include "mien/intrinsic.h"
#include "mien/laplacian.h"

namespace mien {
namespace {

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

// One frame with the vertices of the pattern.
ConstFrames borrowFrame(const LaplacianPattern& pattern, const py::array& positions) {
    const ConstFrames view = borrowFrames(positions, "positions");
    if (view.frames != 1 || view.vertices != pattern.vertexCount())
        throw py::value_error("`positions` must be one frame with the vertices of the pattern");
    return view;
}

// A borrowed view of what the pattern holds, alive as long as the pattern is.
template <class T>
py::array readOnly(const T* data, std::int64_t count, const py::object& owner) {
    py::array_t<T> out(static_cast<py::ssize_t>(count), data, owner);
    out.attr("flags").attr("writeable") = false;
    return std::move(out);
}

void cotangent(const LaplacianPattern& pattern, const py::array& positions, DoubleArray out) {
    const ConstFrames view = borrowFrame(pattern, positions);
    requireShape(out, {pattern.nonZeros()}, "out");
    double* values = out.mutable_data();
    py::gil_scoped_release release;
    pattern.cotangent(view, values);
}

void uniform(const LaplacianPattern& pattern, DoubleArray out) {
    requireShape(out, {pattern.nonZeros()}, "out");
    pattern.uniform(out.mutable_data());
}

void mass(const LaplacianPattern& pattern, const py::array& positions, bool voronoi, DoubleArray out) {
    const ConstFrames view = borrowFrame(pattern, positions);
    requireShape(out, {pattern.vertexCount()}, "out");
    double* masses = out.mutable_data();
    py::gil_scoped_release release;
    pattern.mass(view, voronoi ? MassKind::voronoi : MassKind::barycentric, masses);
}

void cotangentFromLengths(const LaplacianPattern& pattern, const DoubleArray& lengths, DoubleArray out) {
    requireShape(lengths, {pattern.triangleCount(), 3}, "lengths");
    requireShape(out, {pattern.nonZeros()}, "out");
    pattern.cotangentFromLengths(lengths.data(), out.mutable_data());
}

void massFromLengths(const LaplacianPattern& pattern, const DoubleArray& lengths, bool voronoi,
                     DoubleArray out) {
    requireShape(lengths, {pattern.triangleCount(), 3}, "lengths");
    requireShape(out, {pattern.vertexCount()}, "out");
    pattern.massFromLengths(lengths.data(), voronoi ? MassKind::voronoi : MassKind::barycentric,
                            out.mutable_data());
}

py::tuple gradientPattern(const LaplacianPattern& pattern) {
    Int64Array indptr(pattern.vertexCount() + 1);
    Int32Array indices(pattern.gradientNonZeros());
    pattern.gradientPattern(indptr.mutable_data(), indices.mutable_data());
    return py::make_tuple(indptr, indices);
}

void gradient(const LaplacianPattern& pattern, const py::array& positions, DoubleArray out) {
    const ConstFrames view = borrowFrame(pattern, positions);
    requireShape(out, {pattern.gradientNonZeros()}, "out");
    double* values = out.mutable_data();
    py::gil_scoped_release release;
    pattern.gradient(view, values);
}

py::tuple delaunay(const py::array& positions, const Int32Array& triangles) {
    const ConstFrames view = borrowFrames(positions, "positions");
    requireShape(triangles, {triangles.shape(0), 3}, "triangles");
    const std::int32_t* corners = triangles.data();
    const std::int64_t count = triangles.shape(0);
    IntrinsicTriangulation result;
    {
        py::gil_scoped_release release;
        result = intrinsicDelaunay(view, corners, count);
    }
    Int32Array flipped({2 * triangles.shape(0), py::ssize_t{3}});
    DoubleArray lengths({2 * triangles.shape(0), py::ssize_t{3}});
    std::copy(result.triangles.begin(), result.triangles.end(), flipped.mutable_data());
    std::copy(result.lengths.begin(), result.lengths.end(), lengths.mutable_data());
    return py::make_tuple(flipped, lengths, result.flips, result.delaunay);
}

}  // namespace

void bindLaplacian(py::module_& module) {
    const auto out = py::arg("out").noconvert();
    py::class_<LaplacianPattern>(module, "LaplacianPattern")
        .def(py::init([](const Int32Array& triangles, std::int64_t vertexCount) {
                 requireShape(triangles, {triangles.shape(0), 3}, "triangles");
                 return std::make_unique<LaplacianPattern>(triangles.data(), triangles.shape(0), vertexCount);
             }),
             py::arg("triangles").noconvert(), py::arg("vertex_count"))
        .def_property_readonly("indptr",
                               [](const py::object& self) {
                                   const auto& pattern = self.cast<const LaplacianPattern&>();
                                   return readOnly(pattern.columnStart(), pattern.vertexCount() + 1, self);
                               })
        .def_property_readonly("indices",
                               [](const py::object& self) {
                                   const auto& pattern = self.cast<const LaplacianPattern&>();
                                   return readOnly(pattern.rows(), pattern.nonZeros(), self);
                               })
        .def("cotangent", &cotangent, py::arg("positions").noconvert(), out)
        .def("uniform", &uniform, out)
        .def("mass", &mass, py::arg("positions").noconvert(), py::arg("voronoi"), out)
        .def("cotangent_from_lengths", &cotangentFromLengths, py::arg("lengths").noconvert(), out)
        .def("mass_from_lengths", &massFromLengths, py::arg("lengths").noconvert(), py::arg("voronoi"), out)
        .def("gradient_pattern", &gradientPattern)
        .def("gradient", &gradient, py::arg("positions").noconvert(), out);
    module.def("intrinsic_delaunay", &delaunay, py::arg("positions").noconvert(),
               py::arg("triangles").noconvert());
}

}  // namespace mien

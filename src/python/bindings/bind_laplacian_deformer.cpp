#include <cmath>
#include <memory>
#include <string>

#include "arrays.h"
#include "mien/laplacian_deformer.h"

namespace mien {
namespace {

using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;

std::unique_ptr<LaplacianDeformer> make(const Int32Array& triangles, const py::array& neutral,
                                        const Int32Array& handles, const DoubleArray& weights,
                                        const ByteArray& held, bool bilaplacian, bool intrinsic,
                                        int rotationPasses, const std::string& method, bool single) {
    const ConstFrames rest = borrowFrames(neutral, "neutral");
    requireShape(triangles, {triangles.shape(0), 3}, "triangles");
    requireShape(handles, {handles.size()}, "handles");
    requireShape(weights, {handles.size()}, "weights");
    requireShape(held, {rest.vertices}, "held");
    LaplacianDeformerOptions options;
    options.bilaplacian = bilaplacian;
    options.intrinsic = intrinsic;
    options.rotationPasses = rotationPasses;
    options.method = method == "response" ? DeformationMethod::response
                     : method == "solve"  ? DeformationMethod::solve
                                          : DeformationMethod::automatic;
    options.precision = single ? Scalar::float32 : Scalar::float64;
    const std::int32_t *corners = triangles.data(), *which = handles.data();
    const std::int64_t triangleCount = triangles.shape(0), handleCount = handles.size();
    const double* strength = weights.data();
    const std::uint8_t* stay = held.data();
    py::gil_scoped_release release;
    return std::make_unique<LaplacianDeformer>(corners, triangleCount, rest, which, strength, handleCount,
                                               stay, options);
}

void solve(const LaplacianDeformer& deformer, const py::array& targets, const py::array& base,
           py::array out) {
    const ConstFrames goal = borrowFrames(targets, "targets"), from = borrowFrames(base, "base");
    const Frames to = borrowMutableFrames(out, "out");
    py::gil_scoped_release release;
    deformer.solve(goal, from, to);
}

}  // namespace

void bindLaplacianDeformer(py::module_& module) {
    py::class_<LaplacianDeformer>(module, "LaplacianDeformer")
        .def(py::init(&make), py::arg("triangles").noconvert(), py::arg("neutral").noconvert(),
             py::arg("handles").noconvert(), py::arg("weights").noconvert(), py::arg("held").noconvert(),
             py::arg("bilaplacian"), py::arg("intrinsic"), py::arg("rotation_passes"), py::arg("method"),
             py::arg("single"))
        .def("solve", &solve, py::arg("targets").noconvert(), py::arg("base").noconvert(),
             py::arg("out").noconvert())
        .def_property_readonly("free_count", &LaplacianDeformer::freeCount)
        .def_property_readonly("method",
                               [](const LaplacianDeformer& deformer) {
                                   return deformer.method() == DeformationMethod::response ? "response"
                                                                                           : "solve";
                               })
        .def_property_readonly("response_cost", &LaplacianDeformer::responseCost)
        .def_property_readonly("solve_cost", &LaplacianDeformer::solveCost)
        .def_property_readonly("memory", &LaplacianDeformer::memory);
}

}  // namespace mien

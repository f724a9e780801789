#include <optional>

#include "arrays.h"
#include "mien/arap_deformer.h"

namespace mien {
namespace {

ArapDeformer makeArap(const py::array& neutral, const Int32Array& triangles, const Int32Array& handles,
                      const Int32Array& anchors, bool rims, bool clamp, bool isDouble) {
    const ConstFrames shape = borrowFrames(neutral, "neutral");
    requireShape(triangles, {triangles.size() / 3, 3}, "triangles");
    requireShape(handles, {handles.size()}, "handles");
    requireShape(anchors, {anchors.size()}, "anchors");
    ArapOptions options;
    options.energy = rims ? ArapEnergy::spokesAndRims : ArapEnergy::spokes;
    options.weights = clamp ? ArapWeights::clamped : ArapWeights::cotangent;
    options.storage = isDouble ? Scalar::float64 : Scalar::float32;
    const std::int32_t *t = triangles.data(), *h = handles.data(), *a = anchors.data();
    const std::int64_t counts[3] = {triangles.shape(0), handles.size(), anchors.size()};
    py::gil_scoped_release release;
    return ArapDeformer(shape, t, counts[0], h, counts[1], a, counts[2], options);
}

void solveArap(const ArapDeformer& deformer, const py::array& targets, const py::object& start,
               int iterations, int warmIterations, py::array out, const py::object& energy) {
    const ConstFrames to = borrowFrames(targets, "targets");
    const Frames result = borrowMutableFrames(out, "out");
    std::optional<ConstFrames> from;
    if (!start.is_none()) from = borrowFrames(py::reinterpret_borrow<py::array>(start), "start");
    double* trace = nullptr;
    if (!energy.is_none()) {
        auto given = py::cast<DoubleArray>(energy);
        requireShape(given, {to.frames, py::ssize_t{iterations} + 1}, "energy");
        trace = given.mutable_data();
    }
    ArapSolveOptions options;
    options.iterations = iterations;
    options.warmIterations = warmIterations;
    py::gil_scoped_release release;
    deformer.solve(to, from ? &*from : nullptr, options, result, trace);
}

DoubleArray arapEnergy(const ArapDeformer& deformer, const py::array& positions) {
    const ConstFrames view = borrowFrames(positions, "positions");
    DoubleArray out(static_cast<py::ssize_t>(view.frames));
    double* energy = out.mutable_data();
    {
        py::gil_scoped_release release;
        deformer.energy(view, energy);
    }
    return out;
}

}  // namespace

void bindArapDeformer(py::module_& module) {
    py::class_<ArapDeformer>(module, "ArapDeformer")
        .def(py::init(&makeArap), py::arg("neutral").noconvert(), py::arg("triangles").noconvert(),
             py::arg("handles").noconvert(), py::arg("anchors").noconvert(), py::arg("rims"),
             py::arg("clamp"), py::arg("is_double"))
        .def("solve", &solveArap, py::arg("targets").noconvert(), py::arg("start"), py::arg("iterations"),
             py::arg("warm_iterations"), py::arg("out").noconvert(), py::arg("energy"))
        .def("energy", &arapEnergy, py::arg("positions").noconvert())
        .def_property_readonly("free_vertices", &ArapDeformer::freeVertices);
}

}  // namespace mien

#include "arrays.h"
#include "mien/transfer.h"

namespace mien {
namespace {

DeformationTransfer makeTransfer(const py::array& sourceNeutral, const Int32Array& sourceTriangles,
                                 const py::array& targetNeutral, const Int32Array& targetTriangles,
                                 const py::object& correspondence, const Int32Array& anchors, bool isDouble) {
    const ConstFrames source = borrowFrames(sourceNeutral, "source_neutral");
    const ConstFrames target = borrowFrames(targetNeutral, "target_neutral");
    requireShape(sourceTriangles, {sourceTriangles.size() / 3, 3}, "source_triangles");
    requireShape(targetTriangles, {targetTriangles.size() / 3, 3}, "target_triangles");
    requireShape(anchors, {anchors.size()}, "anchors");
    const std::int32_t* map = nullptr;
    if (!correspondence.is_none()) {
        const auto given = py::cast<Int32Array>(correspondence);
        requireShape(given, {targetTriangles.shape(0)}, "correspondence");
        map = given.data();
    }
    TransferOptions options;
    options.storage = isDouble ? Scalar::float64 : Scalar::float32;
    const std::int32_t *s = sourceTriangles.data(), *t = targetTriangles.data(), *a = anchors.data();
    const std::int64_t counts[3] = {sourceTriangles.shape(0), targetTriangles.shape(0), anchors.size()};
    py::gil_scoped_release release;
    return DeformationTransfer(source, s, counts[0], target, t, counts[1], map, a, counts[2], options);
}

void applyTransfer(const DeformationTransfer& transfer, const py::array& expression, py::array out) {
    const ConstFrames from = borrowFrames(expression, "expression");
    const Frames to = borrowMutableFrames(out, "out");
    py::gil_scoped_release release;
    transfer.apply(from, to);
}

void gradients(const py::array& neutral, const Int32Array& triangles, const py::array& positions,
               py::array out) {
    const ConstFrames rest = borrowFrames(neutral, "neutral");
    const ConstFrames view = borrowFrames(positions, "positions");
    requireShape(triangles, {triangles.size() / 3, 3}, "triangles");
    requireShape(out, {view.frames, triangles.shape(0), 3, 3}, "out");
    if (scalarOf(out, "out") != view.scalar || !(out.flags() & py::array::c_style))
        throw py::type_error("`out` must be contiguous and of the dtype of positions");
    void* to = out.mutable_data();
    const std::int32_t* t = triangles.data();
    const std::int64_t count = triangles.shape(0);
    py::gil_scoped_release release;
    deformationGradients(rest, t, count, view, to);
}

void split(const DoubleArray& matrices, DoubleArray rotation, const py::object& stretch) {
    const py::ssize_t count = matrices.shape(0);
    requireShape(matrices, {count, 3, 3}, "matrices");
    requireShape(rotation, {count, 3, 3}, "rotation");
    const double* from = matrices.data();
    double *r = rotation.mutable_data(), *s = nullptr;
    if (!stretch.is_none()) {
        if (!py::isinstance<DoubleArray>(stretch)) throw py::type_error("`stretch` must be float64");
        auto given = py::reinterpret_borrow<DoubleArray>(stretch);
        requireShape(given, {count, 3, 3}, "stretch");
        s = given.mutable_data();
    }
    py::gil_scoped_release release;
    splitGradients(from, count, r, s);
}

}  // namespace

void bindTransfer(py::module_& module) {
    py::class_<DeformationTransfer>(module, "DeformationTransfer")
        .def(py::init(&makeTransfer), py::arg("source_neutral").noconvert(),
             py::arg("source_triangles").noconvert(), py::arg("target_neutral").noconvert(),
             py::arg("target_triangles").noconvert(), py::arg("correspondence"),
             py::arg("anchors").noconvert(), py::arg("is_double"))
        .def("apply", &applyTransfer, py::arg("expression").noconvert(), py::arg("out").noconvert());
    module.def("deformation_gradients", &gradients, py::arg("neutral").noconvert(),
               py::arg("triangles").noconvert(), py::arg("positions").noconvert(),
               py::arg("out").noconvert());
    module.def("split_gradients", &split, py::arg("matrices").noconvert(), py::arg("rotation").noconvert(),
               py::arg("stretch"));
}

}  // namespace mien

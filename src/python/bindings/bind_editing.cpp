#include <pybind11/stl.h>

#include <optional>

#include "arrays.h"
#include "mien/editing.h"

namespace mien {
namespace {

using Optional = std::optional<DoubleArray>;

HeadTake borrowHead(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation) {
    const ConstFrames points = borrowFrames(take, "take");
    requireShape(rotation, {points.frames, 3, 3}, "rotation");
    requireShape(translation, {points.frames, 3}, "translation");
    return {points, rotation.data(), translation.data()};
}

const double* borrowWeights(const Optional& weights, std::int64_t vertices) {
    if (!weights) return nullptr;
    requireShape(*weights, {vertices}, "weights");
    return weights->data();
}

double* borrowDelta(DoubleArray& delta, std::int64_t frames, std::int64_t vertices) {
    requireShape(delta, {frames, 3, vertices}, "delta");
    return delta.mutable_data();
}

void towardsShape(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation,
                  const DoubleArray& shape, const Optional& weights, const DoubleArray& factors,
                  DoubleArray delta) {
    const HeadTake head = borrowHead(take, rotation, translation);
    const std::int64_t frames = head.take.frames, vertices = head.take.vertices;
    requireShape(shape, {3, vertices}, "shape");
    requireShape(factors, {frames}, "factors");
    const double *goal = shape.data(), *w = borrowWeights(weights, vertices), *scale = factors.data();
    double* to = borrowDelta(delta, frames, vertices);
    py::gil_scoped_release release;
    accumulateTowardsShape(head, goal, w, scale, to);
}

void towards(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation,
             const py::array& source, const DoubleArray& matrix, const DoubleArray& offset,
             const Optional& rest, const Optional& weights, const DoubleArray& factors, DoubleArray delta) {
    const HeadTake head = borrowHead(take, rotation, translation);
    const std::int64_t frames = head.take.frames, vertices = head.take.vertices;
    const ConstFrames goal = borrowFrames(source, "source");
    requireShape(matrix, {frames, 3, 3}, "matrix");
    requireShape(offset, {frames, 3}, "offset");
    if (rest) requireShape(*rest, {3, vertices}, "rest");
    requireShape(factors, {frames}, "factors");
    const double *m = matrix.data(), *o = offset.data(), *r = rest ? rest->data() : nullptr;
    const double *w = borrowWeights(weights, vertices), *scale = factors.data();
    double* to = borrowDelta(delta, frames, vertices);
    py::gil_scoped_release release;
    accumulateTowards(head, goal, m, o, r, w, scale, to);
}

void displace(const DoubleArray& displacement, const Optional& weights, const DoubleArray& factors,
              DoubleArray delta) {
    const py::ssize_t frames = factors.size(), vertices = displacement.shape(displacement.ndim() - 1);
    requireShape(displacement, {3, vertices}, "displacement");
    requireShape(factors, {frames}, "factors");
    const double *from = displacement.data(), *w = borrowWeights(weights, vertices), *scale = factors.data();
    double* to = borrowDelta(delta, frames, vertices);
    py::gil_scoped_release release;
    accumulateDisplacement(from, frames, vertices, w, scale, to);
}

void write(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation,
           const Optional& weights, DoubleArray delta, py::array out) {
    const HeadTake head = borrowHead(take, rotation, translation);
    const double* w = borrowWeights(weights, head.take.vertices);
    double* from = borrowDelta(delta, head.take.frames, head.take.vertices);
    const Frames to = borrowMutableFrames(out, "out");
    py::gil_scoped_release release;
    writeEdited(head, w, from, to);
}

void copy(const py::array& take, py::array out) {
    const ConstFrames from = borrowFrames(take, "take");
    const Frames to = borrowMutableFrames(out, "out");
    py::gil_scoped_release release;
    copyFrames(from, to);
}

}  // namespace

void bindEditing(py::module_& module) {
    module.def("accumulate_towards_shape", &towardsShape, py::arg("take").noconvert(),
               py::arg("rotation").noconvert(), py::arg("translation").noconvert(),
               py::arg("shape").noconvert(), py::arg("weights").noconvert(), py::arg("factors").noconvert(),
               py::arg("delta").noconvert());
    module.def("accumulate_towards", &towards, py::arg("take").noconvert(), py::arg("rotation").noconvert(),
               py::arg("translation").noconvert(), py::arg("source").noconvert(),
               py::arg("matrix").noconvert(), py::arg("offset").noconvert(), py::arg("rest").noconvert(),
               py::arg("weights").noconvert(), py::arg("factors").noconvert(), py::arg("delta").noconvert());
    module.def("accumulate_displacement", &displace, py::arg("displacement").noconvert(),
               py::arg("weights").noconvert(), py::arg("factors").noconvert(), py::arg("delta").noconvert());
    module.def("write_edited", &write, py::arg("take").noconvert(), py::arg("rotation").noconvert(),
               py::arg("translation").noconvert(), py::arg("weights").noconvert(),
               py::arg("delta").noconvert(), py::arg("out").noconvert());
    module.def("copy_frames", &copy, py::arg("take").noconvert(), py::arg("out").noconvert());
}

}  // namespace mien

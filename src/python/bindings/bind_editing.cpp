#include <pybind11/stl.h>

#include <optional>
#include <vector>

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

// An edit's step, and the arrays that it borrows from.
struct BoundStep {
    EditStep step;
    py::ssize_t frames, vertices;
    std::vector<py::object> kept;

    void requireFor(const ConstFrames& take) const {
        if (frames != take.frames || vertices != take.vertices)
            throw py::value_error("`step` is for other frames or vertices");
    }
};

BoundStep bound(EditStep::Kind kind, const Optional& field, const Optional& weights,
                const DoubleArray& factors, py::ssize_t vertices) {
    if (field) requireShape(*field, {3, vertices}, "field");
    requireShape(factors, {factors.size()}, "factors");
    BoundStep out{{}, factors.size(), vertices, {factors}};
    out.step.kind = kind;
    out.step.field = field ? field->data() : nullptr;
    out.step.weights = borrowWeights(weights, vertices);
    out.step.factors = factors.data();
    if (field) out.kept.push_back(*field);
    if (weights) out.kept.push_back(*weights);
    return out;
}

BoundStep towardsShape(const DoubleArray& shape, const Optional& weights, const DoubleArray& factors) {
    return bound(EditStep::Kind::towardsShape, shape, weights, factors, shape.shape(shape.ndim() - 1));
}

BoundStep displacement(const DoubleArray& field, const Optional& weights, const DoubleArray& factors) {
    return bound(EditStep::Kind::displacement, field, weights, factors, field.shape(field.ndim() - 1));
}

BoundStep towardsSource(const py::array& source, const DoubleArray& matrix, const DoubleArray& offset,
                        const Optional& rest, const Optional& weights, const DoubleArray& factors) {
    const ConstFrames goal = borrowFrames(source, "source");
    requireShape(matrix, {goal.frames, 3, 3}, "matrix");
    requireShape(offset, {goal.frames, 3}, "offset");
    requireShape(factors, {goal.frames}, "factors");
    BoundStep out = bound(EditStep::Kind::towardsSource, rest, weights, factors, goal.vertices);
    out.step.source = goal;
    out.step.matrix = matrix.data();
    out.step.offset = offset.data();
    for (const py::array& array : {source, py::array(matrix), py::array(offset)}) out.kept.push_back(array);
    return out;
}

void add(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation,
         const BoundStep& step, DoubleArray delta) {
    const HeadTake head = borrowHead(take, rotation, translation);
    step.requireFor(head.take);
    double* to = borrowDelta(delta, head.take.frames, head.take.vertices);
    py::gil_scoped_release release;
    accumulate(head, step.step, to);
}

void addDisplacement(const DoubleArray& field, const Optional& weights, const DoubleArray& factors,
                     DoubleArray delta) {
    const BoundStep step = displacement(field, weights, factors);
    double* to = borrowDelta(delta, step.frames, step.vertices);
    HeadTake nowhere;
    nowhere.take.frames = step.frames;
    nowhere.take.vertices = step.vertices;
    py::gil_scoped_release release;
    accumulate(nowhere, step.step, to);
}

void writeAll(const py::array& take, const DoubleArray& rotation, const DoubleArray& translation,
              const std::vector<const BoundStep*>& bounds, const Optional& weights, py::array out) {
    const HeadTake head = borrowHead(take, rotation, translation);
    std::vector<EditStep> steps;
    for (const BoundStep* step : bounds) {
        step->requireFor(head.take);
        steps.push_back(step->step);
    }
    const double* w = borrowWeights(weights, head.take.vertices);
    const Frames to = borrowMutableFrames(out, "out");
    py::gil_scoped_release release;
    writeSteps(head, steps.data(), steps.size(), w, to);
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
    py::class_<BoundStep>(module, "EditStep")
        .def_static("towards_shape", &towardsShape, py::arg("shape").noconvert(),
                    py::arg("weights").noconvert(), py::arg("factors").noconvert())
        .def_static("towards_source", &towardsSource, py::arg("source").noconvert(),
                    py::arg("matrix").noconvert(), py::arg("offset").noconvert(), py::arg("rest").noconvert(),
                    py::arg("weights").noconvert(), py::arg("factors").noconvert())
        .def_static("displacement", &displacement, py::arg("field").noconvert(),
                    py::arg("weights").noconvert(), py::arg("factors").noconvert());
    module.def("accumulate", &add, py::arg("take").noconvert(), py::arg("rotation").noconvert(),
               py::arg("translation").noconvert(), py::arg("step"), py::arg("delta").noconvert());
    module.def("accumulate_displacement", &addDisplacement, py::arg("displacement").noconvert(),
               py::arg("weights").noconvert(), py::arg("factors").noconvert(), py::arg("delta").noconvert());
    module.def("write_steps", &writeAll, py::arg("take").noconvert(), py::arg("rotation").noconvert(),
               py::arg("translation").noconvert(), py::arg("steps"), py::arg("weights").noconvert(),
               py::arg("out").noconvert());
    module.def("write_edited", &write, py::arg("take").noconvert(), py::arg("rotation").noconvert(),
               py::arg("translation").noconvert(), py::arg("weights").noconvert(),
               py::arg("delta").noconvert(), py::arg("out").noconvert());
    module.def("copy_frames", &copy, py::arg("take").noconvert(), py::arg("out").noconvert());
}

}  // namespace mien

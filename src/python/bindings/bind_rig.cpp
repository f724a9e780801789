#include "arrays.h"
#include "mien/rig.h"

namespace mien {
namespace {

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

void evaluate(const py::array& neutral, const Int64Array& starts, const Int32Array& indices,
              const py::array& offsets, const DoubleArray& weights, py::array out) {
    const ConstFrames rest = borrowFrames(neutral, "neutral");
    const Frames to = borrowMutableFrames(out, "out");
    const Scalar scalar = scalarOf(offsets, "offsets");
    if (starts.ndim() != 1 || starts.shape(0) < 1) throw py::value_error("`starts` has the wrong shape");
    const std::int64_t shapes = starts.shape(0) - 1;
    requireShape(weights, {to.frames, shapes}, "weights");
    requireShape(indices, {indices.size()}, "indices");
    requireShape(offsets, {indices.size(), 3}, "offsets");
    if (!(offsets.flags() & py::array::c_style)) throw py::type_error("`offsets` must be C-contiguous");
    if (starts.at(0) != 0 || starts.at(shapes) != indices.size())
        throw py::value_error("`starts` must go from 0 to the number of offsets");
    const ConstShapes view{starts.data(), indices.data(), offsets.data(), scalar, shapes};
    for (std::int64_t s = 0; s < shapes; ++s)
        if (view.starts[s] > view.starts[s + 1]) throw py::value_error("`starts` must ascend");
    const double* w = weights.data();
    py::gil_scoped_release release;
    evaluateShapes(rest, view, w, to);
}

}  // namespace

void bindRig(py::module_& module) {
    module.def("evaluate_shapes", &evaluate, py::arg("neutral").noconvert(), py::arg("starts").noconvert(),
               py::arg("indices").noconvert(), py::arg("offsets").noconvert(), py::arg("weights").noconvert(),
               py::arg("out").noconvert());
}

}  // namespace mien

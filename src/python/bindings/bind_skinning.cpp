#include "arrays.h"
#include "mien/skinning.h"

namespace mien {
namespace {

void skin(const py::array& neutral, const py::array_t<std::int64_t, py::array::c_style>& start,
          const Int32Array& joints, const DoubleArray& weights, bool dualQuaternion,
          const DoubleArray& matrix, const DoubleArray& offset, py::array out) {
    const ConstFrames rest = borrowFrames(neutral, "neutral");
    const Frames to = borrowMutableFrames(out, "out");
    requireShape(start, {rest.vertices + 1}, "start");
    requireShape(joints, {weights.size()}, "joints");
    if (start.at(rest.vertices) != weights.size() || start.at(0) != 0)
        throw py::value_error("`start` must go from 0 to the number of weights");
    const py::ssize_t count = matrix.ndim() == 4 ? matrix.shape(1) : 0;
    requireShape(matrix, {to.frames, count, 3, 3}, "matrix");
    requireShape(offset, {to.frames, count, 3}, "offset");
    const SkinWeights given{start.data(), joints.data(), weights.data()};
    const SkinBlend blend = dualQuaternion ? SkinBlend::dualQuaternion : SkinBlend::linear;
    const double *m = matrix.data(), *t = offset.data();
    py::gil_scoped_release release;
    skinFrames(rest, given, blend, m, t, count, to);
}

}  // namespace

void bindSkinning(py::module_& module) {
    module.def("skin_frames", &skin, py::arg("neutral").noconvert(), py::arg("start").noconvert(),
               py::arg("joints").noconvert(), py::arg("weights").noconvert(), py::arg("dual_quaternion"),
               py::arg("matrix").noconvert(), py::arg("offset").noconvert(), py::arg("out").noconvert());
}

}  // namespace mien

#include "arrays.h"
#include "mien/rigid.h"

namespace mien {
namespace {

template <void (*function)(const ConstFrames&, const double*, const double*, const Frames&)>
void apply(const py::array& points, const DoubleArray& rotation, const DoubleArray& translation,
           py::array out) {
    const ConstFrames from = borrowFrames(points, "points");
    const Frames to = borrowMutableFrames(out, "out");
    requireShape(rotation, {to.frames, 3, 3}, "rotation");
    requireShape(translation, {to.frames, 3}, "translation");
    const double *r = rotation.data(), *t = translation.data();
    py::gil_scoped_release release;
    function(from, r, t, to);
}

py::object firstNonFiniteVertex(const py::array& points) {
    const ConstFrames view = borrowFrames(points, "points");
    std::int64_t frame = 0, vertex = 0;
    bool found = false;
    {
        py::gil_scoped_release release;
        found = firstNonFinite(view, &frame, &vertex);
    }
    if (!found) return py::none();
    return py::make_tuple(frame, vertex);
}

}  // namespace

void bindRigid(py::module_& module) {
    module.def("apply_rigid", &apply<applyRigid>, py::arg("points").noconvert(),
               py::arg("rotation").noconvert(), py::arg("translation").noconvert(),
               py::arg("out").noconvert());
    module.def("apply_rigid_inverse", &apply<applyRigidInverse>, py::arg("points").noconvert(),
               py::arg("rotation").noconvert(), py::arg("translation").noconvert(),
               py::arg("out").noconvert());
    module.def("first_non_finite", &firstNonFiniteVertex, py::arg("points").noconvert());
}

}  // namespace mien

#include "arrays.h"
#include "mien/shape_projection.h"

namespace mien {
namespace {

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

// (gram, projected, None) or, where a coordinate is not finite, (gram, projected, (frame, vertex)).
py::tuple projectShapes(const py::array& neutral, const Int64Array& starts, const Int32Array& indices,
                        const py::array& offsets, py::object weights, const py::array& positions) {
    const ConstFrames rest = borrowFrames(neutral, "neutral"), take = borrowFrames(positions, "positions");
    const Scalar scalar = scalarOf(offsets, "offsets");
    if (starts.ndim() != 1 || starts.shape(0) < 1) throw py::value_error("`starts` has the wrong shape");
    const py::ssize_t shapes = starts.shape(0) - 1;
    requireShape(indices, {indices.size()}, "indices");
    requireShape(offsets, {indices.size(), 3}, "offsets");
    if (!(offsets.flags() & py::array::c_style)) throw py::type_error("`offsets` must be C-contiguous");
    const ConstShapes view{starts.data(), indices.data(), offsets.data(), scalar, shapes};
    for (py::ssize_t s = 0; s <= shapes; ++s)
        if (view.starts[s] < (s ? view.starts[s - 1] : 0) || view.starts[s] > indices.size())
            throw py::value_error("`starts` must ascend from 0 to the number of offsets");
    const double* w = nullptr;
    if (!weights.is_none()) {
        if (!py::isinstance<DoubleArray>(weights)) throw py::type_error("`weights` must be float64");
        const auto array = py::reinterpret_borrow<DoubleArray>(weights);
        requireShape(array, {rest.vertices}, "weights");
        w = array.data();
    }
    DoubleArray gram({shapes, shapes}), projected({static_cast<py::ssize_t>(take.frames), shapes});
    double *g = gram.mutable_data(), *p = projected.mutable_data();
    std::int64_t frame = 0, vertex = 0;
    bool good = true;
    {
        py::gil_scoped_release release;
        const ShapeProjection projection(view, rest, w, take.scalar);
        projection.gram(g);
        good = projection.project(take, p, &frame, &vertex);
    }
    return py::make_tuple(gram, projected, good ? py::object(py::none()) : py::make_tuple(frame, vertex));
}

}  // namespace

void bindShapeProjection(py::module_& module) {
    module.def("project_shapes", &projectShapes, py::arg("neutral").noconvert(),
               py::arg("starts").noconvert(), py::arg("indices").noconvert(), py::arg("offsets").noconvert(),
               py::arg("weights").noconvert(), py::arg("positions").noconvert());
}

}  // namespace mien

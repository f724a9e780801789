#include "arrays.h"
#include "mien/joint.h"

namespace mien {
namespace {

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

JointSolver makeSolver(const DoubleArray& points, const DoubleArray& weights, const DoubleArray& fields,
                       const DoubleArray& precision, const DoubleArray& scale, const DoubleArray& signs,
                       const DoubleArray& centre, double radius, double freedom, double lost) {
    if (points.ndim() != 2 || fields.ndim() != 2 || signs.ndim() != 2)
        throw py::value_error("`points`, `fields` and `signs` must have two dimensions");
    const py::ssize_t n = points.shape(0), p = fields.shape(1);
    requireShape(points, {n, 3}, "points");
    requireShape(weights, {n}, "weights");
    requireShape(fields, {3 * n, p}, "fields");
    requireShape(precision, {p}, "precision");
    requireShape(scale, {n}, "scale");
    requireShape(signs, {signs.shape(0), n}, "signs");
    requireShape(centre, {3}, "centre");
    JointModel model;
    model.vertices = n;
    model.fieldCount = p;
    model.points = points.data();
    model.weights = weights.data();
    model.fields = fields.data();
    model.precision = precision.data();
    model.scale = scale.data();
    model.signs = signs.data();
    model.waves = signs.shape(0);
    for (int i = 0; i < 3; ++i) model.centre[i] = centre.data()[i];
    model.radius = radius;
    model.freedom = freedom;
    model.lost = lost;
    py::gil_scoped_release release;
    return JointSolver(model);
}

DoubleArray spreadOf(const JointSolver& solver) {
    const py::ssize_t p = solver.fieldCount();
    DoubleArray out({p, p});
    solver.spread(out.mutable_data());
    return out;
}

// (rotation, translation, lost, residual, probes, coefficients, squares); the last two None unless asked for.
py::tuple solve(const JointSolver& solver, const py::array& positions, const Int64Array& index,
                const DoubleArray& rotation, const DoubleArray& translation, int steps, int rounds,
                double relaxation, bool details) {
    const ConstFrames view = borrowFrames(positions, "positions");
    const py::ssize_t n = view.frames, s = solver.vertices(), p = solver.fieldCount();
    requireShape(index, {s}, "index");
    requireShape(rotation, {n, 3, 3}, "rotation");
    requireShape(translation, {n, 3}, "translation");
    DoubleArray turned({n, py::ssize_t{3}, py::ssize_t{3}}), moved({n, py::ssize_t{3}}),
        probes({n, py::ssize_t{2}});
    DoubleArray residual(n);
    py::array_t<bool> lost(n);
    py::object coefficients = py::none(), squares = py::none();
    JointResult result;
    result.rotation = turned.mutable_data();
    result.translation = moved.mutable_data();
    result.lost = lost.mutable_data();
    result.probes = probes.mutable_data();
    result.residual = residual.mutable_data();
    if (details) {
        DoubleArray c({n, p}), q({n, s});
        result.coefficients = c.mutable_data();
        result.squares = q.mutable_data();
        coefficients = c;
        squares = q;
    }
    JointOptions options;
    options.steps = steps;
    options.rounds = rounds;
    options.relaxation = relaxation;
    const std::int64_t* chosen = index.data();
    const double *fromRotation = rotation.data(), *fromTranslation = translation.data();
    {
        py::gil_scoped_release release;
        solver.solve(view, chosen, fromRotation, fromTranslation, options, result);
    }
    return py::make_tuple(turned, moved, lost, residual, probes, coefficients, squares);
}

}  // namespace

void bindJoint(py::module_& module) {
    py::class_<JointSolver>(module, "JointSolver")
        .def(py::init(&makeSolver), py::arg("points").noconvert(), py::arg("weights").noconvert(),
             py::arg("fields").noconvert(), py::arg("precision").noconvert(), py::arg("scale").noconvert(),
             py::arg("signs").noconvert(), py::arg("centre").noconvert(), py::arg("radius"),
             py::arg("freedom"), py::arg("lost"))
        .def_property_readonly("spread", &spreadOf)
        .def("solve", &solve, py::arg("positions").noconvert(), py::arg("index").noconvert(),
             py::arg("rotation").noconvert(), py::arg("translation").noconvert(), py::arg("steps"),
             py::arg("rounds"), py::arg("relaxation"), py::arg("details"));
}

}  // namespace mien

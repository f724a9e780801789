#include <memory>

#include "arrays.h"
#include "mien/bounded_least_squares.h"

namespace mien {
namespace {

py::tuple boundedLeastSquares(const DoubleArray& gram, const DoubleArray& rhs, const DoubleArray& lower,
                              const DoubleArray& upper, double smoothness) {
    const py::ssize_t size = gram.ndim() == 2 ? gram.shape(0) : 0;
    requireShape(gram, {size, size}, "gram");
    requireShape(rhs, {rhs.ndim() == 2 ? rhs.shape(0) : 0, size}, "rhs");
    requireShape(lower, {size}, "lower");
    requireShape(upper, {size}, "upper");
    const py::ssize_t frames = rhs.shape(0);
    DoubleArray weights({frames, size}), residual(frames);
    Int32Array pivots(frames);
    const BoundedResult result{weights.mutable_data(), residual.mutable_data(), pivots.mutable_data()};
    double ridge = 0;
    {
        const double *g = gram.data(), *b = rhs.data(), *l = lower.data(), *u = upper.data();
        py::gil_scoped_release release;
        const BoundedLeastSquares problem(g, size, l, u);
        ridge = problem.ridge();
        if (smoothness > 0)
            problem.solveSmooth(b, frames, smoothness, result);
        else
            problem.solve(b, frames, result);
    }
    return py::make_tuple(weights, residual, pivots, ridge);
}

}  // namespace

void bindBoundedLeastSquares(py::module_& module) {
    module.def("bounded_least_squares", &boundedLeastSquares, py::arg("gram").noconvert(),
               py::arg("rhs").noconvert(), py::arg("lower").noconvert(), py::arg("upper").noconvert(),
               py::arg("smoothness"));
}

}  // namespace mien

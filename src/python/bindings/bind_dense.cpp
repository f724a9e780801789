#include <algorithm>

#include "arrays.h"
#include "mien/dense.h"

namespace mien {
namespace {

DoubleArray multiply(const DoubleArray& left, const DoubleArray& right) {
    if (left.ndim() != 2 || right.ndim() != 2) throw py::value_error("matrices must have two dimensions");
    const py::ssize_t rows = left.shape(0), depth = left.shape(1), columns = right.shape(1);
    requireShape(right, {depth, columns}, "right");
    DoubleArray out({rows, columns});
    const double *a = left.data(), *b = right.data();
    double* to = out.mutable_data();
    {
        py::gil_scoped_release release;
        multiplyMatrices(a, b, rows, depth, columns, to);
    }
    return out;
}

// The solution, or None where the matrix is not positive definite.
py::object solve(const DoubleArray& matrix, const DoubleArray& rhs) {
    if (matrix.ndim() != 2 || rhs.ndim() != 2) throw py::value_error("matrices must have two dimensions");
    const py::ssize_t n = matrix.shape(0), columns = rhs.shape(1);
    requireShape(matrix, {n, n}, "matrix");
    requireShape(rhs, {n, columns}, "rhs");
    DoubleArray factor({n, n}), out({n, columns});
    std::copy_n(matrix.data(), n * n, factor.mutable_data());
    std::copy_n(rhs.data(), n * columns, out.mutable_data());
    double *a = factor.mutable_data(), *x = out.mutable_data();
    bool good = false;
    {
        py::gil_scoped_release release;
        good = solvePositive(a, n, x, columns);
    }
    return good ? py::object(out) : py::object(py::none());
}

}  // namespace

void bindDense(py::module_& module) {
    module.def("multiply_matrices", &multiply, py::arg("left").noconvert(), py::arg("right").noconvert());
    module.def("solve_positive", &solve, py::arg("matrix").noconvert(), py::arg("rhs").noconvert());
}

}  // namespace mien

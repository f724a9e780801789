#include "arrays.h"
#include "mien/sparse_factor.h"

namespace mien {
namespace {

using Int64Array = py::array_t<std::int64_t, py::array::c_style>;

SparseMatrix borrowMatrix(const DoubleArray& values, const Int32Array& rows, const Int64Array& starts) {
    if (starts.ndim() != 1 || starts.shape(0) < 2) throw py::value_error("`starts` has the wrong shape");
    requireShape(rows, {rows.size()}, "rows");
    requireShape(values, {rows.size()}, "values");
    if (starts.at(0) != 0 || starts.at(starts.shape(0) - 1) != rows.size())
        throw py::value_error("`starts` must go from 0 to the number of values");
    return {starts.shape(0) - 1, starts.data(), rows.data(), values.data()};
}

std::unique_ptr<SparseFactor> make(const DoubleArray& values, const Int32Array& rows,
                                   const Int64Array& starts, const py::object& positions,
                                   const py::object& pattern, bool single, const std::string& ordering) {
    const SparseMatrix matrix = borrowMatrix(values, rows, starts);
    FactorOptions options;
    options.storage = single ? Scalar::float32 : Scalar::float64;
    options.ordering = ordering == "geometric" ? Ordering::geometric
                       : ordering == "amd"     ? Ordering::minimumDegree
                       : ordering == "natural" ? Ordering::natural
                       : ordering == "surface" ? Ordering::surface
                                               : Ordering::automatic;
    if (!pattern.is_none()) {
        const auto& other = pattern.cast<const SparseFactor&>();
        py::gil_scoped_release release;
        return std::make_unique<SparseFactor>(matrix, other, options);
    }
    const double* points = nullptr;
    if (!positions.is_none()) {
        if (!py::isinstance<DoubleArray>(positions)) throw py::type_error("`positions` must be float64");
        const auto given = py::reinterpret_borrow<DoubleArray>(positions);
        requireShape(given, {static_cast<py::ssize_t>(matrix.size), 3}, "positions");
        points = given.data();
    }
    py::gil_scoped_release release;
    return std::make_unique<SparseFactor>(matrix, points, options);
}

void refactor(SparseFactor& factor, const DoubleArray& values, const Int32Array& rows,
              const Int64Array& starts) {
    const SparseMatrix matrix = borrowMatrix(values, rows, starts);
    py::gil_scoped_release release;
    factor.refactor(matrix);
}

// (F, V, K), as Python has shaped it.
ConstColumns borrowColumns(const py::array& array, const char* name) {
    if (array.ndim() != 3) throw py::value_error(std::string("`") + name + "` has the wrong shape");
    return {array.data(),   scalarOf(array, name), array.shape(0),   array.shape(1),
            array.shape(2), array.strides(0),      array.strides(1), array.strides(2)};
}

py::tuple solve(const SparseFactor& factor, const py::array& rhs, py::array out, int refine, double tolerance,
                bool measure) {
    const ConstColumns from = borrowColumns(rhs, "rhs"), view = borrowColumns(out, "out");
    const Columns to{out.mutable_data(), view.scalar,      view.frames,    view.rows,
                     view.columns,       view.frameStride, view.rowStride, view.columnStride};
    SolveOptions options;
    options.refine = refine;
    options.tolerance = tolerance;
    options.measure = measure;
    SolveReport report;
    {
        py::gil_scoped_release release;
        report = factor.solve(from, to, options);
    }
    return py::make_tuple(report.residual, report.refinements, report.fellBack);
}

py::array_t<std::int32_t> permutation(const SparseFactor& factor) {
    return py::array_t<std::int32_t>(static_cast<py::ssize_t>(factor.size()), factor.permutation());
}

}  // namespace

void bindSparseFactor(py::module_& module) {
    py::class_<SparseFactor>(module, "SparseFactor")
        .def(py::init(&make), py::arg("values").noconvert(), py::arg("rows").noconvert(),
             py::arg("starts").noconvert(), py::arg("positions"), py::arg("pattern"), py::arg("single"),
             py::arg("ordering"))
        .def("refactor", &refactor, py::arg("values").noconvert(), py::arg("rows").noconvert(),
             py::arg("starts").noconvert())
        .def("solve", &solve, py::arg("rhs").noconvert(), py::arg("out").noconvert(), py::arg("refine"),
             py::arg("tolerance"), py::arg("measure"))
        .def_property_readonly("size", &SparseFactor::size)
        .def_property_readonly("non_zeros", &SparseFactor::nonZeros)
        .def_property_readonly("stored_values", &SparseFactor::storedValues)
        .def_property_readonly("flops", &SparseFactor::flops)
        .def_property_readonly("memory", &SparseFactor::memory)
        .def_property_readonly("permutation", &permutation);
}

}  // namespace mien

#include "arrays.h"
#include "mien/alignment.h"

namespace mien {
namespace {

// (V,) for all frames or (F, V); the stride says which.
const double* borrowWeights(const py::object& weights, const ConstFrames& frames, std::ptrdiff_t* stride) {
    *stride = 0;
    if (weights.is_none()) return nullptr;
    if (!py::isinstance<DoubleArray>(weights)) throw py::type_error("`weights` must be float64");
    const auto given = py::reinterpret_borrow<DoubleArray>(weights);
    if (given.ndim() == 2) {
        requireShape(given, {frames.frames, frames.vertices}, "weights");
        *stride = frames.vertices * static_cast<std::ptrdiff_t>(sizeof(double));
    } else {
        requireShape(given, {frames.vertices}, "weights");
    }
    return given.data();
}

py::tuple align(const py::array& positions, const py::array& reference, const py::object& weights,
                bool robust, bool scale, bool missing, const py::object& out, int loss, double fixedSigma,
                double quantile, double factor, double floor, double shrink, double tolerance,
                int maxIterations) {
    const ConstFrames view = borrowFrames(positions, "positions");
    const ConstFrames about = borrowFrames(reference, "reference");
    AlignmentOptions options;
    const double* prior = borrowWeights(weights, view, &options.weightStride);
    if (loss < 0 || loss > 2) throw py::value_error("`loss` must be 0, 1 or 2");
    options.robust = robust;
    options.scale = scale;
    options.missing = missing;
    options.loss = static_cast<AlignmentLoss>(loss);
    options.sigma = fixedSigma;
    options.quantile = quantile;
    options.factor = factor;
    options.floor = floor;
    options.shrink = shrink;
    options.tolerance = tolerance;
    options.maxIterations = maxIterations;
    Frames stabilised;
    if (!out.is_none()) {
        py::array target = py::reinterpret_borrow<py::array>(out);
        stabilised = borrowMutableFrames(target, "out");
    }

    const py::ssize_t n = view.frames;
    DoubleArray rotation({n, py::ssize_t{3}, py::ssize_t{3}}), translation({n, py::ssize_t{3}}), scales(n),
        residual(n), support(n), spread(n), sigma(n);
    Int32Array iterations(n);
    AlignmentResult result;
    result.rotation = rotation.mutable_data();
    result.translation = translation.mutable_data();
    result.scale = scales.mutable_data();
    result.residual = residual.mutable_data();
    result.support = support.mutable_data();
    result.spread = spread.mutable_data();
    result.sigma = sigma.mutable_data();
    result.iterations = iterations.mutable_data();
    AlignmentStatus status;
    {
        py::gil_scoped_release release;
        status = out.is_none() ? alignFrames(view, about, prior, options, result)
                               : stabiliseFrames(view, about, prior, options, result, stabilised);
    }
    const char* problem = status.problem == AlignmentProblem::notFinite    ? "not_finite"
                          : status.problem == AlignmentProblem::degenerate ? "degenerate"
                                                                           : "";
    return py::make_tuple(
        problem, status.frame,
        py::make_tuple(rotation, translation, scales, residual, support, spread, sigma, iterations));
}

}  // namespace

void bindAlignment(py::module_& module) {
    const AlignmentOptions standard;
    module.def("align_frames", &align, py::arg("positions").noconvert(), py::arg("reference").noconvert(),
               py::arg("weights"), py::arg("robust"), py::arg("scale"), py::arg("missing"), py::kw_only(),
               py::arg("out").noconvert() = py::none(), py::arg("loss") = 0,
               py::arg("sigma") = standard.sigma, py::arg("quantile") = standard.quantile,
               py::arg("factor") = standard.factor, py::arg("floor") = standard.floor,
               py::arg("shrink") = standard.shrink, py::arg("tolerance") = standard.tolerance,
               py::arg("max_iterations") = standard.maxIterations);
}

}  // namespace mien

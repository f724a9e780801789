#include "mien/bounded_least_squares.h"

#include <limits>

#include "c/boundary.h"
#include "mien/c/bounded_least_squares.h"

using namespace mien;
using namespace mien::c;

struct mien_weights_solver {
    BoundedLeastSquares solver;
};

namespace {

// Larger ones do not fit any memory: the solver holds K x K numbers.
constexpr std::int64_t kMostWeights = 1 << 20;

BoundedResult resultOf(const mien_weights_result* result) {
    need(result, "result");
    return {need(result->weights, "result.weights"), result->residual, result->pivots};
}

void needRhs(const mien_weights_solver* solver, const double* rhs, std::int64_t frames) {
    need(solver, "solver");
    needCount(frames, 0, std::numeric_limits<std::int32_t>::max(), "frames");
    if (frames > 0) needFinite(need(rhs, "rhs"), frames, solver->solver.size(), "rhs", "weight");
}

}  // namespace

mien_status mien_weights_create(const double* gram, int64_t size, const double* lower, const double* upper,
                                mien_weights_solver** solver, const mien_scheduler* scheduler,
                                mien_error* error) {
    return guarded(scheduler, error, [&] {
        *need(solver, "solver") = nullptr;
        need(gram, "gram");
        needCount(size, 1, kMostWeights, "size");
        *solver = new mien_weights_solver{BoundedLeastSquares(gram, size, lower, upper)};
    });
}

mien_status mien_weights_solve(const mien_weights_solver* solver, const double* rhs, int64_t frames,
                               const mien_weights_result* result, const mien_scheduler* scheduler,
                               mien_error* error) {
    return guarded(scheduler, error, [&] {
        needRhs(solver, rhs, frames);
        solver->solver.solve(rhs, frames, resultOf(result));
    });
}

mien_status mien_weights_solve_smooth(const mien_weights_solver* solver, const double* rhs, int64_t frames,
                                      double smoothness, const mien_weights_result* result,
                                      const mien_scheduler* scheduler, mien_error* error) {
    return guarded(scheduler, error, [&] {
        needRhs(solver, rhs, frames);
        const BoundedResult to = resultOf(result);
        if (frames > 0) solver->solver.solveSmooth(rhs, frames, smoothness, to);
    });
}

int64_t mien_weights_size(const mien_weights_solver* solver) {
    return solver ? solver->solver.size() : 0;
}

double mien_weights_ridge(const mien_weights_solver* solver) {
    return solver ? solver->solver.ridge() : 0;
}

void mien_weights_destroy(mien_weights_solver* solver) {
    delete solver;
}

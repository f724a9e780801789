// Bounded least squares on normal equations, many right-hand sides that follow each other in time.
#pragma once

#include <cstdint>
#include <memory>

namespace mien {

// What is returned of each right-hand side, all owned by the caller; each may be null but `weights`.
struct BoundedResult {
    double* weights = nullptr;  // F x K
    double* residual =
        nullptr;  // F, largest |w_i - clip(w_i - g_i / G_ii)|, g the gradient: 0 at the optimum
    std::int32_t* pivots = nullptr;  // F, variables that changed between free and bound
};

// Minimises 1/2 w' G w - b' w for lower <= w <= upper by block principal pivoting: Cholesky's factor of G
// on the free variables is kept from one right-hand side to the next, so that one whose free variables are
// those of the one before costs a solve and a product of a matrix and a vector.
//
// A Gram matrix whose columns depend on each other gets a ridge; see `ridge`. Const after construction,
// usable from many threads. The bits of the result depend neither on the number of threads nor on the
// instruction set.
class BoundedLeastSquares {
  public:
    // gram   K x K, symmetric, positive semi-definite, finite; the lower triangle is read
    // lower  K finite, or null for 0
    // upper  K finite >= lower, or null for 1
    // Throws Error: invalidArgument for sizes and bounds, numericalFailure if G is not positive
    // semi-definite.
    BoundedLeastSquares(const double* gram, std::int64_t size, const double* lower, const double* upper);
    ~BoundedLeastSquares();
    BoundedLeastSquares(BoundedLeastSquares&&) noexcept;
    BoundedLeastSquares& operator=(BoundedLeastSquares&&) noexcept;

    std::int64_t size() const;
    // What was added to the diagonal: 0, or 1e-10 of its mean if a pivot of G fell below 1e-10 of its own
    // diagonal entry (or an entry is 0).
    double ridge() const;

    // rhs: F x K finite. Throws Error (numericalFailure) naming the first right-hand side that could not be
    // solved to a residual of 1e-9 of the width of the bounds; that has not been seen.
    void solve(const double* rhs, std::int64_t frames, const BoundedResult& result) const;

    // Minimises the sum over frames of the above plus smoothness / 2 times the sum of |w_f - w_(f - 1)|^2,
    // all frames together, to the same residual (now of the whole problem). smoothness > 0, finite. `pivots`
    // counts those of the start, which is `solve`. Memory: the sum over frames of the squared number of free
    // variables.
    void solveSmooth(const double* rhs, std::int64_t frames, double smoothness,
                     const BoundedResult& result) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace mien

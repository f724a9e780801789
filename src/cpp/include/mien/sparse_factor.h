// Sparse Cholesky: factor a symmetric positive definite matrix once, solve for many right-hand sides.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "mien/views.h"

namespace mien {

// A symmetric matrix by compressed columns, borrowed. Both triangles, or one of them alone; rows of a column
// in any order, none twice. A diagonal entry that is absent is zero.
struct SparseMatrix {
    std::int64_t size = 0;                      // n, at least 1
    const std::int64_t* columnStart = nullptr;  // n + 1, ascending from 0
    const std::int32_t* rows = nullptr;         // columnStart[n] indices below n
    const double* values = nullptr;             // as many numbers
};

// In which order columns are eliminated; it decides how much the factor fills in.
enum class Ordering {
    automatic,      // surface from 600,000 edges on, minimumDegree below
    geometric,      // nested dissection by planes through the positions
    minimumDegree,  // approximate minimum degree
    natural,        // as they come
    surface,        // nested dissection by separators along the surface; needs no positions
};

struct FactorOptions {
    Scalar storage = Scalar::float64;  // of the factor; it is always computed in double
    Ordering ordering = Ordering::automatic;
};

// F x V x K numbers, any strides in bytes. One right-hand side is F = K = 1.
struct ConstColumns {
    const void* data = nullptr;
    Scalar scalar = Scalar::float64;
    std::int64_t frames = 1, rows = 0, columns = 1;
    std::ptrdiff_t frameStride = 0, rowStride = 0, columnStride = 0;
};

struct Columns {
    void* data = nullptr;
    Scalar scalar = Scalar::float64;
    std::int64_t frames = 1, rows = 0, columns = 1;
    std::ptrdiff_t frameStride = 0, rowStride = 0, columnStride = 0;

    operator ConstColumns() const {
        return {data, scalar, frames, rows, columns, frameStride, rowStride, columnStride};
    }
};

// Iterative refinement: residuals b - A x in double, corrections by the factor. None unless asked for.
struct SolveOptions {
    int refine = 0;  // steps, whatever they bring; at least 0

    // Above 0: as many steps as bring the backward error of each right-hand side below it. Where they stall,
    // a float32 factor is replaced by one in double for this call.
    double tolerance = 0;

    bool measure = false;  // measure the backward error even if nothing is refined
};

// The backward error of a right-hand side: max |b - A x| / (|A| max |x| + max |b|), |A| the largest sum of
// sizes in a row.
struct SolveReport {
    double residual = std::numeric_limits<double>::quiet_NaN();  // the largest backward error, if measured
    int refinements = 0;                                         // the most steps of a right-hand side
    bool fellBack = false;  // a float32 factor did not do, and one in double was made
};

// P A P' = L L'. Const functions may be called from many threads at once. The bits of the factor depend
// neither on the number of threads nor on the instruction set.
class SparseFactor {
  public:
    // Throws Error: invalidArgument where the matrix is not what it should be (indices out of range, an entry
    // twice, not symmetric, a value that is not finite), numericalFailure where it is not positive definite,
    // naming the row.
    //   positions  n x 3 coordinates of the unknowns, or null
    explicit SparseFactor(const SparseMatrix& matrix, const double* positions = nullptr,
                          const FactorOptions& options = {});

    // The same with the ordering and pattern of another factor, whose matrix had the same pattern.
    SparseFactor(const SparseMatrix& matrix, const SparseFactor& pattern, const FactorOptions& options = {});

    SparseFactor(SparseFactor&&) noexcept;
    SparseFactor& operator=(SparseFactor&&) noexcept;
    ~SparseFactor();

    // Factors a matrix of the same pattern. Throws as the constructor does, and then nothing has changed.
    void refactor(const SparseMatrix& matrix);
    void refactor(const double* values);  // in the order of the first matrix's values

    // out = A^-1 rhs, F x n x K each; `out` may be `rhs`, but not overlap it in another way. The bits of an
    // answer depend neither on the other right-hand sides nor on threads or the instruction set. Throws
    // Error: invalidArgument where a number is not finite, naming frame and vertex; numericalFailure where
    // the tolerance cannot be reached, naming the right-hand side. What `out` then holds is not said.
    SolveReport solve(const ConstColumns& rhs, const Columns& out, const SolveOptions& options = {}) const;

    std::int64_t size() const;  // n
    Scalar storage() const;
    std::int64_t nonZeros() const;      // of L, those stored for the sake of larger supernodes not counted
    std::int64_t storedValues() const;  // with them
    double flops() const;               // multiplications and additions of one factorisation
    std::int64_t memory() const;        // bytes this object holds, a shared pattern counted in full
    const std::int32_t* permutation() const;  // n: permutation[new] = old

    struct State;  // internal
    const State& state() const { return *state_; }

  private:
    std::unique_ptr<State> state_;
};

}  // namespace mien

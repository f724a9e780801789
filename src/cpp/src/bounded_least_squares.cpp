#include "mien/bounded_least_squares.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "bounded_problem.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

// Right-hand sides that follow each other share a tableau; this many are one task, the same on every machine.
constexpr std::int64_t kRun = 64;
constexpr double kDependent = 1e-10;  // see BoundedLeastSquares::ridge
constexpr double kSettled = 1e-12;    // of a bound's width: further outside a bound is infeasible
constexpr double kGood = 1e-9;        // residual that must be reached
constexpr int kBlockTries = 8;        // block exchanges that may fail to help before single ones

enum Place : signed char { atLower, isFree, atUpper };

// Smallest pivot of the Cholesky factor of a matrix with unit diagonal, smallest first to fail; a is
// destroyed.
double smallestPivot(Vector& a, std::int64_t n) {
    double smallest = 1;
    for (std::int64_t k = 0; k < n; ++k) {
        const double pivot = a[k * n + k];
        smallest = std::min(smallest, pivot);
        if (!(pivot > kDependent)) return smallest;
        for (std::int64_t i = k + 1; i < n; ++i) {
            const double factor = a[i * n + k] / pivot;
            if (factor != 0)
                for (std::int64_t j = k + 1; j <= i; ++j) a[i * n + j] -= factor * a[j * n + k];
        }
    }
    return smallest;
}

}  // namespace

BoundedProblem::BoundedProblem(const double* given, std::int64_t count, const double* below,
                               const double* above)
    : size(count),
      stride(boundedPadded(count)),
      gram(static_cast<std::size_t>(count * stride)),
      lower(static_cast<std::size_t>(count), 0.0),
      upper(static_cast<std::size_t>(count), 1.0),
      width(lower.size()) {
    double mean = 0;
    for (std::int64_t i = 0; i < size; ++i) {
        if (below) lower[i] = below[i];
        if (above) upper[i] = above[i];
        if (!(lower[i] <= upper[i]) || !std::isfinite(lower[i]) || !std::isfinite(upper[i]))
            throw Error(Status::invalidArgument,
                        "bounds must be finite with lower <= upper, those of variable " + std::to_string(i) +
                            " are not");
        width[i] = upper[i] > lower[i] ? upper[i] - lower[i] : 1;
        for (std::int64_t j = 0; j <= i; ++j) {
            if (!std::isfinite(given[i * size + j]))
                throw Error(Status::invalidArgument, "gram must be finite");
            gram[i * stride + j] = gram[j * stride + i] = given[i * size + j];
        }
        mean += given[i * size + i] / static_cast<double>(size);
    }
    Vector scaled(static_cast<std::size_t>(size * size));
    bool empty = false;
    for (std::int64_t i = 0; i < size; ++i) {
        if (gram[i * stride + i] < 0) mean = -1;
        empty = empty || gram[i * stride + i] == 0;
        for (std::int64_t j = 0; j <= i; ++j) {
            const double across = std::sqrt(gram[i * stride + i]) * std::sqrt(gram[j * stride + j]);
            scaled[i * size + j] = across > 0 ? gram[i * stride + j] / across : (i == j ? 1.0 : 0.0);
        }
    }
    const double pivot = smallestPivot(scaled, size);
    if (mean < 0 || pivot < -1e-6)
        throw Error(Status::numericalFailure, "gram must be positive semi-definite, and it is not");
    if (empty || pivot <= kDependent) ridge = kDependent * (mean > 0 ? mean : 1);
    least = std::numeric_limits<double>::infinity();
    diagonal.resize(lower.size());
    for (std::int64_t i = 0; i < size; ++i) {
        diagonal[i] = gram[i * stride + i] += ridge;
        least = std::min(least, gram[i * stride + i] * 1e-15);
    }
}

struct BoundedLeastSquares::State : BoundedProblem {
    using BoundedProblem::BoundedProblem;
};

namespace {

// The factor of G on the free variables, kept from one right-hand side to the next. Variables that become
// free go to the end, so those that stay so gather at the front, where a change among the others leaves the
// factor as it is.
class ActiveSet {
  public:
    explicit ActiveSet(const BoundedProblem& problem)
        : p_(problem),
          place_(static_cast<std::size_t>(problem.size), atLower),
          panels_(static_cast<std::size_t>(boundedPanels(problem.size))),
          reciprocal_(static_cast<std::size_t>(problem.stride)),
          scratch_(reciprocal_.size()),
          gradient_(reciprocal_.size()),
          w_(reciprocal_.size()) {
        restart();
    }

    // Solves for one right-hand side; the residual that was reached.
    double solve(const double* b);
    const double* weights() const { return w_.data(); }
    std::int32_t pivots() const { return pivots_; }

  private:
    void restart();
    void factor();
    void solveFree();
    std::int64_t infeasible();
    void take(const double* b);
    void change(std::int64_t i, Place to);
    void exchange(const double* b);
    void differentiate(const double* b);
    bool clip();
    double polish(const double* b);

    const BoundedProblem& p_;
    std::vector<Place> place_, next_;
    std::vector<std::int64_t> order_, changes_;  // free variables; those on the wrong side
    std::int64_t factored_ = 0;                  // panels of eight free variables that hold the factor
    bool whole_ = false;                         // and so does the last one, which is not full
    Vector panels_, reciprocal_, scratch_, gradient_, w_, kept_;
    Vector rhs_;  // for which gradient_ is that at w_; empty if it is for none
    std::int32_t pivots_ = 0;
};

void ActiveSet::restart() {
    std::fill(place_.begin(), place_.end(), atLower);
    std::copy(p_.lower.begin(), p_.lower.end(), w_.begin());
    order_.clear();
    factored_ = 0;
    whole_ = false;
    rhs_.clear();
}

void ActiveSet::factor() {
    if (whole_) return;
    const auto count = static_cast<std::int64_t>(order_.size());
    const std::int64_t failed =
        kernels().bounded.factorRows(p_.gram.data(), p_.stride, order_.data(), count, factored_, p_.least,
                                     panels_.data(), reciprocal_.data());
    if (failed >= 0)  // the ridge is there so that this does not happen
        throw Error(Status::numericalFailure,
                    "gram is too near to singular at variable " + std::to_string(order_[failed]));
    factored_ = count / 8;  // a panel that is not full changes with the next variable
    whole_ = true;
}

// w_F += G_FF^-1 (-gradient_F)
void ActiveSet::solveFree() {
    factor();
    const auto count = static_cast<std::int64_t>(order_.size());
    for (std::int64_t a = 0; a < count; ++a) scratch_[a] = -gradient_[order_[a]];
    for (std::int64_t a = count; a < boundedPadded(count); ++a) scratch_[a] = 0;
    kernels().bounded.solveFactored(panels_.data(), reciprocal_.data(), count, scratch_.data());
    for (std::int64_t a = 0; a < count; ++a) w_[order_[a]] += scratch_[a];
}

void ActiveSet::differentiate(const double* b) {
    kernels().bounded.combineRows(p_.gram.data(), p_.stride, p_.size, w_.data(), gradient_.data());
    for (std::int64_t i = 0; i < p_.size; ++i) gradient_[i] -= b[i];
}

// Fills `changes_` with the variables that are on the wrong side, and `next_` with where they should be.
std::int64_t ActiveSet::infeasible() {
    changes_.clear();
    next_.clear();
    for (std::int64_t i = 0; i < p_.size; ++i) {
        const double slack = kSettled * p_.width[i], w = w_[i], g = gradient_[i];
        const double flat = slack * p_.diagonal[i];
        // Without branches, for nothing foretells which variables are free.
        const bool free = place_[i] == isFree, low = place_[i] == atLower, held = p_.lower[i] == p_.upper[i];
        const bool under = free & (w < p_.lower[i] - slack), over = free & (w > p_.upper[i] + slack);
        const bool leaves = !free & !held & ((low & (g < -flat)) | (!low & (g > flat)));
        if (!(under | over | leaves)) continue;
        changes_.push_back(i);
        next_.push_back(under ? atLower : over ? atUpper : isFree);
    }
    return static_cast<std::int64_t>(changes_.size());
}

// The gradient at the weights of the frame before.
void ActiveSet::take(const double* b) {
    if (rhs_.empty())
        differentiate(b);
    else
        for (std::int64_t i = 0; i < p_.size; ++i) gradient_[i] += rhs_[i] - b[i];
}

// What becomes free starts from 0, where a shape that moves nothing stays exactly.
void ActiveSet::change(std::int64_t i, Place to) {
    place_[i] = to;
    whole_ = false;
    ++pivots_;
    if (to == isFree) {
        order_.push_back(i);
    } else {
        const auto at = std::find(order_.begin(), order_.end(), i);
        factored_ = std::min<std::int64_t>(factored_, (at - order_.begin()) / 8);
        order_.erase(at);
    }
    const double weight = to == isFree ? 0 : to == atLower ? p_.lower[i] : p_.upper[i];
    const double moved = weight - w_[i];
    w_[i] = weight;
    if (moved != 0)
        kernels().bounded.addRow(moved, p_.gram.data() + i * p_.stride, gradient_.data(), p_.size);
}

// Block principal pivoting (Judice and Pires 1994): all that are infeasible change at once; when that has not
// lowered their number for a while, only the last of them does, a rule that cannot cycle.
void ActiveSet::exchange(const double* b) {
    std::int64_t fewest = p_.size + 1;
    int tries = kBlockTries;
    take(b);
    for (;;) {
        solveFree();
        differentiate(b);
        const std::int64_t count = infeasible();
        if (count == 0) return;
        if (pivots_ > 1000 + 100 * p_.size) return;  // finite, not always fast: judged later
        if (count < fewest) {
            fewest = count;
            tries = kBlockTries;
        } else {
            --tries;
        }
        for (std::int64_t c = tries >= 0 ? 0 : count - 1; c < count; ++c) change(changes_[c], next_[c]);
    }
}

// Rounding and the slack of `infeasible` leave weights outside by very little: true where one was moved.
bool ActiveSet::clip() {
    bool moved = false;
    for (std::int64_t i = 0; i < p_.size; ++i) {
        const double inside = std::min(std::max(w_[i], p_.lower[i]), p_.upper[i]);
        moved = moved || inside != w_[i];
        w_[i] = inside;
    }
    return moved;
}

// Refines the free variables with the gradient at w, which must be known, until rounding stops it.
double ActiveSet::polish(const double* b) {
    double best = std::numeric_limits<double>::infinity();
    for (int step = 0;; ++step) {
        if (clip() || step > 0) differentiate(b);
        double worst = 0;
        for (std::int64_t i = 0; i < p_.size; ++i)
            worst = std::max(worst, p_.residual(i, w_[i], gradient_[i], p_.diagonal[i]));
        if (worst <= kSettled) return worst;
        if (!(worst < best) || step == 3) break;
        best = worst;
        kept_ = w_;
        solveFree();
    }
    w_ = kept_;
    return best;
}

double ActiveSet::solve(const double* b) {
    pivots_ = 0;
    exchange(b);
    double residual = polish(b);
    if (residual > kGood) {  // not seen: once more, from the beginning
        restart();
        exchange(b);
        residual = polish(b);
    }
    if (residual <= kSettled)
        rhs_.assign(b, b + p_.size);
    else
        rhs_.clear();  // polish has gone back to weights whose gradient is not kept
    return residual;
}

}  // namespace

BoundedLeastSquares::BoundedLeastSquares(const double* gram, std::int64_t size, const double* lower,
                                         const double* upper) {
    if (!gram || size < 1) throw Error(Status::invalidArgument, "gram must have at least one row");
    state_ = std::make_unique<State>(gram, size, lower, upper);
}
BoundedLeastSquares::~BoundedLeastSquares() = default;
BoundedLeastSquares::BoundedLeastSquares(BoundedLeastSquares&&) noexcept = default;
BoundedLeastSquares& BoundedLeastSquares::operator=(BoundedLeastSquares&&) noexcept = default;

std::int64_t BoundedLeastSquares::size() const {
    return state_->size;
}
double BoundedLeastSquares::ridge() const {
    return state_->ridge;
}

void BoundedLeastSquares::solve(const double* rhs, std::int64_t frames, const BoundedResult& result) const {
    const std::int64_t size = state_->size;
    parallelFor((frames + kRun - 1) / kRun, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t run = first; run < last; ++run) {
            ActiveSet set(*state_);
            for (std::int64_t f = run * kRun; f < std::min(frames, (run + 1) * kRun); ++f) {
                const double residual = set.solve(rhs + f * size);
                if (!(residual <= kGood))
                    throw Error(Status::numericalFailure,
                                "the weights of frame " + std::to_string(f) + " were not found");
                std::copy_n(set.weights(), size, result.weights + f * size);
                if (result.residual) result.residual[f] = residual;
                if (result.pivots) result.pivots[f] = set.pivots();
            }
        }
    });
}

void BoundedLeastSquares::solveSmooth(const double* rhs, std::int64_t frames, double smoothness,
                                      const BoundedResult& result) const {
    if (!(smoothness > 0) || !std::isfinite(smoothness))
        throw Error(Status::invalidArgument, "smoothness must be finite and above 0");
    solve(rhs, frames, result);
    const double residual = smoothBounded(*state_, rhs, frames, smoothness, result.weights);
    if (!(residual <= kGood)) throw Error(Status::numericalFailure, "the smooth weights were not found");
    if (result.residual) std::fill_n(result.residual, frames, residual);
}

}  // namespace mien

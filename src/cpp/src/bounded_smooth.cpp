// The weights of all frames together: projected Newton steps (Bertsekas 1982) whose linear systems, blocks of
// free variables coupled from frame to frame, are eliminated along time.
#include <limits>

#include "bounded_problem.h"
#include "mien/error.h"

namespace mien {
namespace {

constexpr int kSteps = 100;
constexpr double kWanted = 1e-12;  // residual at which the search ends
constexpr double kArmijo = 1e-4;
constexpr double kNearBound = 1e-3;  // of a bound's width: as near, and pushed outwards, counts as bound

class SmoothWeights {
  public:
    SmoothWeights(const BoundedProblem& problem, const double* rhs, std::int64_t frames, double smoothness,
                  double* weights)
        : p_(problem),
          rhs_(rhs),
          frames_(frames),
          lambda_(smoothness),
          w_(weights),
          gradient_(static_cast<std::size_t>(frames * problem.size)),
          direction_(gradient_.size()),
          moved_(gradient_.size()),
          free_(static_cast<std::size_t>(frames)),
          inverse_(free_.size()) {}

    double run();

  private:
    double coupling(std::int64_t f) const { return lambda_ * ((f > 0) + (f + 1 < frames_)); }
    double curvature(std::int64_t f, std::int64_t i) const {
        return p_.gram[i * p_.stride + i] + coupling(f);
    }
    void multiply(const double* x, double* out) const;  // the matrix of the whole problem
    double measure();
    void chooseFree(double residual);
    void factor(std::int64_t f);
    void solveFree();
    bool advance();

    const BoundedProblem& p_;
    const double* rhs_;
    const std::int64_t frames_;
    const double lambda_;
    double* w_;
    Vector gradient_, direction_, moved_;
    std::vector<std::vector<std::int64_t>> free_;
    std::vector<Vector> inverse_;  // of each frame's block after elimination, negated
    Vector scratch_;
};

void SmoothWeights::multiply(const double* x, double* out) const {
    const std::int64_t n = p_.size;
    Vector in(static_cast<std::size_t>(p_.stride)), product(in.size());
    for (std::int64_t f = 0; f < frames_; ++f) {
        const double* here = x + f * n;
        kernels().bounded.combineRows(p_.gram.data(), p_.stride, n, here, product.data());
        for (std::int64_t i = 0; i < n; ++i) {
            double sum = product[i];
            if (f > 0) sum += lambda_ * (here[i] - here[i - n]);
            if (f + 1 < frames_) sum += lambda_ * (here[i] - here[i + n]);
            out[f * n + i] = sum;
        }
    }
}

// The gradient at w, and the largest residual.
double SmoothWeights::measure() {
    const std::int64_t n = p_.size;
    multiply(w_, gradient_.data());
    double worst = 0;
    for (std::int64_t f = 0; f < frames_; ++f)
        for (std::int64_t i = 0; i < n; ++i) {
            gradient_[f * n + i] -= rhs_[f * n + i];
            worst = std::max(worst, p_.residual(i, w_[f * n + i], gradient_[f * n + i], curvature(f, i)));
        }
    return worst;
}

void SmoothWeights::chooseFree(double residual) {
    const std::int64_t n = p_.size;
    const double near = std::min(residual, kNearBound);
    for (std::int64_t f = 0; f < frames_; ++f) {
        free_[f].clear();
        for (std::int64_t i = 0; i < n; ++i) {
            const double w = w_[f * n + i], g = gradient_[f * n + i], slack = near * p_.width[i];
            const bool held = p_.lower[i] == p_.upper[i] || (w <= p_.lower[i] + slack && g > 0) ||
                              (w >= p_.upper[i] - slack && g < 0);
            if (held)
                direction_[f * n + i] = -g / curvature(f, i);
            else
                free_[f].push_back(i);
        }
    }
}

// inverse_[f] = -(H_ff - lambda^2 E' H_(f-1)^-1 E)^-1 on the free variables, by sweeping all of them.
void SmoothWeights::factor(std::int64_t f) {
    const auto& here = free_[f];
    const auto n = static_cast<std::int64_t>(here.size()), stride = boundedPadded(n);
    Vector& block = inverse_[f];
    block.assign(static_cast<std::size_t>(n * stride), 0.0);
    for (std::int64_t a = 0; a < n; ++a) {
        for (std::int64_t b = 0; b < n; ++b) block[a * stride + b] = p_.gram[here[a] * p_.stride + here[b]];
        block[a * stride + a] += coupling(f);
    }
    if (f > 0) {
        const auto& before = free_[f - 1];
        const std::int64_t beforeStride = boundedPadded(static_cast<std::int64_t>(before.size()));
        std::vector<std::int64_t> from, to;  // places of the variables that are free in both frames
        for (std::size_t a = 0, b = 0; a < before.size() && b < here.size();) {
            if (before[a] == here[b]) {
                from.push_back(static_cast<std::int64_t>(a++));
                to.push_back(static_cast<std::int64_t>(b++));
            } else if (before[a] < here[b]) {
                ++a;
            } else {
                ++b;
            }
        }
        for (std::size_t a = 0; a < to.size(); ++a)
            for (std::size_t b = 0; b < to.size(); ++b)
                block[to[a] * stride + to[b]] +=
                    lambda_ * lambda_ * inverse_[f - 1][from[a] * beforeStride + from[b]];
    }
    scratch_.resize(static_cast<std::size_t>(2 * stride));
    for (std::int64_t k = 0; k < n; ++k) {
        if (!(block[k * stride + k] > 0))
            throw Error(Status::numericalFailure, "gram is too near to singular for smooth weights");
        kernels().bounded.sweep(block.data(), stride, n, k, 1, scratch_.data());
    }
}

// direction = -H_FF^-1 gradient_F: elimination forwards along time, substitution backwards.
void SmoothWeights::solveFree() {
    const std::int64_t n = p_.size, stride = p_.stride;
    Vector in(static_cast<std::size_t>(stride)), out(in.size()), carried(in.size());
    for (std::int64_t f = 0; f < frames_; ++f) {  // direction_F = z = -g + lambda E' H^-1 z before
        factor(f);
        const auto& here = free_[f];
        for (std::size_t a = 0; a < here.size(); ++a) {
            in[a] = carried[here[a]] - gradient_[f * n + here[a]];
            direction_[f * n + here[a]] = in[a];
        }
        const auto count = static_cast<std::int64_t>(here.size());
        kernels().bounded.combineRows(inverse_[f].data(), boundedPadded(count), count, in.data(), out.data());
        std::fill(carried.begin(), carried.end(), 0.0);
        for (std::size_t a = 0; a < here.size(); ++a) carried[here[a]] = -lambda_ * out[a];
    }
    std::fill(carried.begin(), carried.end(), 0.0);
    for (std::int64_t f = frames_ - 1; f >= 0; --f) {
        const auto& here = free_[f];
        const auto count = static_cast<std::int64_t>(here.size());
        for (std::size_t a = 0; a < here.size(); ++a) in[a] = direction_[f * n + here[a]] + carried[here[a]];
        kernels().bounded.combineRows(inverse_[f].data(), boundedPadded(count), count, in.data(), out.data());
        std::fill(carried.begin(), carried.end(), 0.0);
        for (std::size_t a = 0; a < here.size(); ++a) {
            direction_[f * n + here[a]] = -out[a];
            carried[here[a]] = -lambda_ * out[a];
        }
    }
}

// Goes along the direction, bent at the bounds, as far as the energy falls enough; false if it does not.
bool SmoothWeights::advance() {
    const std::int64_t n = p_.size;
    Vector product(moved_.size());
    for (double step = 1; step > 1e-10; step /= 2) {
        double slope = 0, bend = 0;
        for (std::int64_t j = 0; j < frames_ * n; ++j) {
            const std::int64_t i = j % n;
            const double to = std::min(std::max(w_[j] + step * direction_[j], p_.lower[i]), p_.upper[i]);
            moved_[j] = to - w_[j];
            slope += gradient_[j] * moved_[j];
        }
        multiply(moved_.data(), product.data());
        for (std::int64_t j = 0; j < frames_ * n; ++j) bend += moved_[j] * product[j];
        if (slope < 0 && slope + bend / 2 <= kArmijo * slope) {
            for (std::int64_t j = 0; j < frames_ * n; ++j) {
                const std::int64_t i = j % n;
                w_[j] = std::min(std::max(w_[j] + step * direction_[j], p_.lower[i]), p_.upper[i]);
            }
            return true;
        }
    }
    return false;
}

double SmoothWeights::run() {
    Vector best(w_, w_ + frames_ * p_.size);
    double least = std::numeric_limits<double>::infinity();
    for (int step = 0; step < kSteps; ++step) {
        const double residual = measure();
        if (residual < least) {
            least = residual;
            best.assign(w_, w_ + frames_ * p_.size);
        } else if (least < 1e-10) {
            break;  // rounding
        }
        if (residual <= kWanted) break;
        chooseFree(residual);
        solveFree();
        if (!advance()) break;
    }
    std::copy(best.begin(), best.end(), w_);
    return least;
}

}  // namespace

double smoothBounded(const BoundedProblem& problem, const double* rhs, std::int64_t frames, double smoothness,
                     double* weights) {
    return frames > 0 ? SmoothWeights(problem, rhs, frames, smoothness, weights).run() : 0.0;
}

}  // namespace mien

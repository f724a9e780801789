#include "mien/path.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "mien/error.h"

namespace mien {
namespace {

constexpr int kOrder = 3;
constexpr double kDifference[kOrder + 1] = {-1, 3, -3, 1};
constexpr double kWhite = 20;  // variance of a third difference of white noise of variance 1
constexpr double kFreedom = 4;
constexpr double kMedianOfSquare = 0.79;  // of three normal coordinates, over their mean
constexpr int kRounds = 60;
constexpr double kSettled = 0.01;    // relative change of both variances
constexpr double kStiffest = 1e8;    // noise over drive: periods of some 130 frames
constexpr std::int64_t kFewest = 8;  // places

using Band = std::array<double, kOrder + 1>;  // entries (i, i), (i + 1, i), ... of column i

// The normal equations of a path of F frames: weights on the diagonal, and `stiffness` times calm third
// differences.
class Equations {
  public:
    Equations(const double* weights, std::int64_t frames) : weights_(weights), band_(frames) {}

    // Factors as L D L'; L's unit diagonal is D's place.
    void factor(double stiffness, const std::vector<double>& calm) {
        const std::int64_t n = frames();
        for (std::int64_t i = 0; i < n; ++i) band_[i] = {weights_[i], 0, 0, 0};
        for (std::int64_t f = 0; f + kOrder < n; ++f)
            for (int a = 0; a <= kOrder; ++a)
                for (int b = a; b <= kOrder; ++b)
                    band_[f + a][b - a] += stiffness * calm[f] * (kDifference[a] * kDifference[b]);
        for (std::int64_t i = 0; i < n; ++i) {
            Band& column = band_[i];
            for (int b = 1; b <= kOrder && i + b < n; ++b) {
                const double l = column[b] / column[0];
                for (int c = b; c <= kOrder && i + c < n; ++c) band_[i + b][c - b] -= l * column[c];
            }
            for (int b = 1; b <= kOrder; ++b) column[b] /= column[0];
        }
    }

    void solve(double* x, int stride) const {
        const std::int64_t n = frames();
        for (std::int64_t i = 0; i < n; ++i)
            for (int b = 1; b <= kOrder && i + b < n; ++b) x[(i + b) * stride] -= band_[i][b] * x[i * stride];
        for (std::int64_t i = n - 1; i >= 0; --i) {
            double value = x[i * stride] / band_[i][0];
            for (int b = 1; b <= kOrder && i + b < n; ++b) value -= band_[i][b] * x[(i + b) * stride];
            x[i * stride] = value;
        }
    }

    // Entries of the inverse as far from its diagonal as the equations have any.
    void invert(std::vector<Band>& out) const {
        const std::int64_t n = frames();
        out.resize(n);
        for (std::int64_t i = n - 1; i >= 0; --i) {
            const int reach = static_cast<int>(std::min<std::int64_t>(kOrder, n - 1 - i));
            out[i] = {};
            for (int b = 1; b <= reach; ++b)
                for (int c = 1; c <= reach; ++c)
                    out[i][b] -= band_[i][c] * out[i + std::min(b, c)][std::max(b, c) - std::min(b, c)];
            out[i][0] = 1 / band_[i][0];
            for (int c = 1; c <= reach; ++c) out[i][0] -= band_[i][c] * out[i][c];
        }
    }

  private:
    std::int64_t frames() const { return static_cast<std::int64_t>(band_.size()); }

    const double* weights_;
    std::vector<Band> band_;
};

class Path {
  public:
    Path(const double* places, const double* weights, std::int64_t frames, int coordinates, double least,
         double most)
        : places_(places),
          weights_(weights),
          frames_(frames),
          count_(coordinates),
          least_(least * least),
          most_(most * most),
          equations_(weights, frames),
          shift_(frames * coordinates),
          calm_(frames - kOrder, 1.0),
          seen_(static_cast<double>(frames - std::count(weights, weights + frames, 0.0))) {
        start();
    }

    PathNoise learn() {
        for (int round = 0; round < kRounds; ++round) {
            solve();
            const PathNoise next = told();
            // Steps of expectation maximisation are short: half as far again, on a scale of ratios.
            const double measured = next.measured / noise_.measured, driven = next.driven / noise_.driven;
            noise_.measured = std::clamp(next.measured * std::sqrt(measured), least_, most_);
            noise_.driven =
                std::max({next.driven * std::sqrt(driven), noise_.measured / kStiffest, least_ / kStiffest});
            if (std::abs(measured - 1) < kSettled && std::abs(driven - 1) < kSettled) break;
        }
        solve();
        return noise_;
    }

    void write(double* path) const {
        for (std::int64_t i = 0; i < frames_ * count_; ++i) path[i] = places_[i] - shift_[i];
    }

  private:
    double third(const double* from, std::int64_t f, int c) const {
        double sum = 0;
        for (int a = 0; a <= kOrder; ++a) sum += kDifference[a] * from[(f + a) * count_ + c];
        return sum;
    }

    // As if half of what is typical were noise, and none of what is not: a jolt that was once smoothed away
    // would be taken for noise ever after.
    void start() {
        std::vector<double> squares(frames_ - kOrder);
        for (std::int64_t f = 0; f + kOrder < frames_; ++f)
            for (int c = 0; c < count_; ++c) squares[f] += third(places_, f, c) * third(places_, f, c);
        std::vector<double> ordered = squares;
        const auto middle = ordered.begin() + static_cast<std::ptrdiff_t>(ordered.size() / 2);
        std::nth_element(ordered.begin(), middle, ordered.end());
        const double typical = *middle / (kMedianOfSquare * count_);
        noise_.measured = std::clamp(typical / (2 * kWhite), least_, most_);
        noise_.driven = std::max(typical / 2, least_);
        for (std::size_t f = 0; f < squares.size(); ++f)
            calm_[f] = (kFreedom + count_) / (kFreedom + squares[f] / (2 * noise_.driven));
    }

    // What lies between the places and the path: solved for itself, so that a smooth path keeps its digits.
    void solve() {
        const double stiffness = noise_.measured / noise_.driven;
        equations_.factor(stiffness, calm_);
        std::fill(shift_.begin(), shift_.end(), 0.0);
        for (int c = 0; c < count_; ++c) {
            for (std::int64_t f = 0; f + kOrder < frames_; ++f) {
                const double pull = stiffness * calm_[f] * third(places_, f, c);
                for (int a = 0; a <= kOrder; ++a) shift_[(f + a) * count_ + c] += kDifference[a] * pull;
            }
            equations_.solve(shift_.data() + c, count_);
        }
    }

    // Second moments of the path that is likely under the present variances, and the weights of its jolts.
    PathNoise told() {
        equations_.invert(inverse_);
        double off = 0, jolted = 0;
        for (std::int64_t f = 0; f < frames_; ++f) {
            if (weights_[f] == 0) continue;
            double squares = 0;
            for (int c = 0; c < count_; ++c) squares += shift_[f * count_ + c] * shift_[f * count_ + c];
            off += weights_[f] * (squares + count_ * noise_.measured * inverse_[f][0]);
        }
        for (std::int64_t f = 0; f + kOrder < frames_; ++f) {
            double open = 0, squares = 0;
            for (int a = 0; a <= kOrder; ++a)
                for (int b = 0; b <= kOrder; ++b)
                    open += kDifference[a] * kDifference[b] * inverse_[f + std::min(a, b)][std::abs(a - b)];
            for (int c = 0; c < count_; ++c) {
                const double left = third(places_, f, c) - third(shift_.data(), f, c);
                squares += left * left;
            }
            squares += count_ * noise_.measured * std::max(open, 0.0);
            calm_[f] = (kFreedom + count_) / (kFreedom + squares / noise_.driven);
            jolted += calm_[f] * squares;
        }
        return {std::clamp(off / (count_ * seen_), least_, most_),
                std::max(jolted / static_cast<double>(count_ * (frames_ - kOrder)), least_ / kStiffest)};
    }

    const double *places_, *weights_;
    std::int64_t frames_;
    int count_;
    double least_, most_;
    Equations equations_;
    std::vector<double> shift_, calm_;
    std::vector<Band> inverse_;
    double seen_;
    PathNoise noise_;
};

}  // namespace

PathNoise steadyPath(const double* places, const double* weights, std::int64_t frames, int coordinates,
                     double least, double most, double* path) {
    if (frames < 0 || coordinates < 1 || !(least > 0))
        throw Error(Status::invalidArgument, "a path must have coordinates, and `least` must be above 0");
    for (std::int64_t f = 0; f < frames; ++f) {
        if (!(weights[f] >= 0 && weights[f] <= 1))
            throw Error(Status::invalidArgument,
                        "weights must be in [0, 1], got another at frame " + std::to_string(f));
        for (int c = 0; c < coordinates; ++c)
            if (!std::isfinite(places[f * coordinates + c]))
                throw Error(Status::invalidArgument,
                            "places must be finite, got another at frame " + std::to_string(f));
    }
    if (!(most > least) || frames - std::count(weights, weights + frames, 0.0) < kFewest) {
        std::copy(places, places + frames * coordinates, path);
        return {};
    }
    Path solver(places, weights, frames, coordinates, least, most);
    const PathNoise found = solver.learn();
    solver.write(path);
    return found;
}

}  // namespace mien

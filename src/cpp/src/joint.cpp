#include "mien/joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "joint_model.h"
#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "scratch_pool.h"

namespace mien {
namespace {

constexpr double kFarthest = 1e6;  // radii: wild coordinates are cut there, so that no square overflows

struct Head {
    double rotation[9], about[3];  // about: where the centre lies
};

// R exp(turn) to second order (Cayley's map), by unit quaternions: no functions whose bits libraries disagree
// in.
void turn(double* rotation, const double* by) {
    const double x = by[0] / 2, y = by[1] / 2, z = by[2] / 2, n = 2 / (1 + ((x * x + y * y) + z * z));
    const double m[9] = {1 - n * (y * y + z * z), n * (x * y - z),         n * (x * z + y),
                         n * (x * y + z),         1 - n * (x * x + z * z), n * (y * z - x),
                         n * (x * z - y),         n * (y * z + x),         1 - n * (x * x + y * y)};
    for (int i = 0; i < 3; ++i) {
        double* r = rotation + 3 * i;
        const double a = r[0], b = r[1], c = r[2];
        for (int j = 0; j < 3; ++j) r[j] = (a * m[j] + b * m[3 + j]) + c * m[6 + j];
    }
}

// Memory of kJointFrames frames, in one piece.
struct Scratch16 {
    float *world, *rows, *x, *held, *squares;
    double *sums, *probes;

    static std::size_t floats(const JointPanels& m) {
        return static_cast<std::size_t>(kJointFrames) *
               (3 * m.padded + 3 * kJointBlock + 2 * m.columns + m.padded + 2 * (m.columns + m.probes));
    }
    Scratch16(const JointPanels& m, char* from) {
        sums = reinterpret_cast<double*>(from);
        probes = sums + m.columns * kJointFrames;
        world = reinterpret_cast<float*>(probes + m.probes * kJointFrames);
        rows = world + 3 * m.padded * kJointFrames;
        x = rows + 3 * kJointBlock * kJointFrames;
        held = x + m.columns * kJointFrames;
        squares = held + m.columns * kJointFrames;
    }
};

template <class T>
void gather(const JointPanels& m, const char* frame, std::ptrdiff_t stride, const std::int64_t* index,
            const double* origin, float* to) {
    const double inverse = 1 / m.radius;
    for (std::int64_t v = 0; v < m.vertices; ++v, to += 3 * kJointFrames) {
        const T* p = reinterpret_cast<const T*>(frame + index[v] * stride);
        const double x = (p[0] - origin[0]) * inverse, y = (p[1] - origin[1]) * inverse,
                     z = (p[2] - origin[2]) * inverse;
        if (std::isfinite(x) && std::isfinite(y) && std::isfinite(z)) {
            to[0] = static_cast<float>(std::clamp(x, -kFarthest, kFarthest));
            to[kJointFrames] = static_cast<float>(std::clamp(y, -kFarthest, kFarthest));
            to[2 * kJointFrames] = static_cast<float>(std::clamp(z, -kFarthest, kFarthest));
        } else {
            to[0] = std::numeric_limits<float>::quiet_NaN();
            to[kJointFrames] = to[2 * kJointFrames] = 0;
        }
    }
}

// Solves up to kJointFrames frames; lanes without a frame hold missing vertices.
class Group {
  public:
    Group(const JointPanels& model, char* memory) : m_(model), s_(model, memory) {}

    void load(const ConstFrames& positions, const std::int64_t* index, const double* rotation,
              const double* translation, std::int64_t begin, std::int64_t end) {
        begin_ = begin;
        count_ = static_cast<int>(end - begin);
        const std::int64_t all = 3 * m_.padded * kJointFrames;
        for (std::int64_t i = 0; i < all; i += kJointFrames)
            if (i >= 3 * m_.vertices * kJointFrames || count_ < kJointFrames)
                std::fill_n(s_.world + i, kJointFrames,
                            i / kJointFrames % 3 == 0 ? std::numeric_limits<float>::quiet_NaN() : 0.0F);
        for (int l = 0; l < kJointFrames; ++l) {
            const std::int64_t f = begin + std::min(l, count_ - 1);
            std::copy_n(rotation + 9 * f, 9, start_[l].rotation);
            for (int i = 0; i < 3; ++i) {
                const double* r = rotation + 9 * f + 3 * i;
                start_[l].about[i] = translation[3 * f + i] +
                                     ((r[0] * m_.centre[0] + r[1] * m_.centre[1]) + r[2] * m_.centre[2]);
            }
            head_[l] = start_[l];
            if (l >= count_) continue;
            const char* frame = static_cast<const char*>(positions.data) + f * positions.frameStride;
            (positions.scalar == Scalar::float32
                 ? gather<float>
                 : gather<double>)(m_, frame, positions.vertexStride, index, start_[l].about, s_.world + l);
        }
    }

    // Nothing is known of the expression yet: full weights.
    void begin() {
        setPose();
        std::fill_n(s_.sums, m_.columns * kJointFrames, 0.0);
        pass(true, nullptr, m_.gain.data(), m_.columns, s_.sums);
        for (std::int64_t i = 0; i < m_.columns * kJointFrames; ++i) s_.x[i] = static_cast<float>(s_.sums[i]);
    }

    void reweight(double relaxation) {
        std::fill_n(s_.sums, m_.columns * kJointFrames, 0.0);
        pass(false, nullptr, m_.gain.data(), m_.columns, s_.sums);
        kernels().joint.product(m_.held.data(), m_.columns / kJointRows, m_.fieldCount, s_.x, s_.held);
        for (std::int64_t i = 0; i < m_.columns * kJointFrames; ++i) {
            const double step = s_.sums[i] - static_cast<double>(s_.held[i]);
            s_.x[i] = static_cast<float>(static_cast<double>(s_.x[i]) + relaxation * step);
        }
    }

    // What is left, and the probes of it.
    void examine() {
        std::fill_n(s_.probes, m_.probes * kJointFrames, 0.0);
        pass(false, s_.squares, m_.probe.data(), m_.probes, s_.probes);
    }

    void move() {
        for (int l = 0; l < count_; ++l) {
            double c[6];
            for (int i = 0; i < 6; ++i) c[i] = s_.x[i * kJointFrames + l];
            Head& head = head_[l];
            for (int i = 0; i < 3; ++i) {
                const double* r = head.rotation + 3 * i;
                head.about[i] += m_.radius * ((r[0] * c[3] + r[1] * c[4]) + r[2] * c[5]);
            }
            turn(head.rotation, c);
        }
    }

    // Linearises about the heads as they are now: what was told of them is done.
    void settle() {
        setPose();
        std::fill_n(s_.x, 6 * kJointFrames, 0.0F);
    }

    void write(const JointResult& to) {
        for (int l = 0; l < count_; ++l) {
            const std::int64_t f = begin_ + l;
            std::int64_t strange = 0;
            for (std::int64_t v = 0; v < m_.vertices; ++v)
                strange += s_.squares[v * kJointFrames + l] > m_.lost;
            to.lost[f] = 2 * strange > m_.vertices;
            const Head& head = head_[l];
            for (int i = 0; i < 3; ++i) {
                const double* r = head.rotation + 3 * i;
                std::copy_n(r, 3, to.rotation + 9 * f + 3 * i);
                to.translation[3 * f + i] =
                    head.about[i] - ((r[0] * m_.centre[0] + r[1] * m_.centre[1]) + r[2] * m_.centre[2]);
            }
            if (to.coefficients)
                for (std::int64_t k = 0; k < m_.fieldCount; ++k)
                    to.coefficients[f * m_.fieldCount + k] = m_.radius * s_.x[k * kJointFrames + l];
            if (to.squares)
                for (std::int64_t v = 0; v < m_.vertices; ++v)
                    to.squares[f * m_.vertices + v] = s_.squares[v * kJointFrames + l];
            if (to.probes) writeProbes(l, to.probes + 2 * f);
        }
        if (to.residual) writeResiduals(to.residual + begin_);
    }

  private:
    void setPose() {
        for (int l = 0; l < kJointFrames; ++l) {
            const double *r = head_[l].rotation, *from = start_[l].about, *at = head_[l].about;
            double away[3];
            for (int i = 0; i < 3; ++i) away[i] = (at[i] - from[i]) / m_.radius;
            for (int i = 0; i < 9; ++i) pose_.rotation[i][l] = static_cast<float>(r[i]);
            for (int i = 0; i < 3; ++i)
                pose_.offset[i][l] =
                    static_cast<float>((r[i] * away[0] + r[3 + i] * away[1]) + r[6 + i] * away[2]);
        }
    }

    void pass(bool first, float* squares, const float* panel, std::int64_t columns, double* sums) {
        const JointKernels& kernel = kernels().joint;
        for (std::int64_t v = 0; v < m_.padded; v += kJointBlock) {
            const std::int64_t depth = m_.blockRows(v);
            if (!first)
                kernel.product(m_.fields.data() + 3 * v * m_.fieldCount, depth / kJointRows, m_.fieldCount,
                               s_.x, s_.rows);
            kernel.weigh(&pose_, s_.world + 3 * v * kJointFrames, m_.points.data() + 3 * v,
                         (first ? m_.believed : m_.inverse).data() + v, depth / 3, m_.freedom, first, s_.rows,
                         squares ? squares + v * kJointFrames : nullptr);
            kernel.addProduct(panel + 3 * v * columns, columns / kJointRows, depth, s_.rows, sums);
        }
    }

    void writeProbes(int lane, double* to) const {
        to[0] = to[1] = 0;
        for (std::int64_t w = 0; w < m_.waves; ++w) {
            double left[6], told[6];
            for (int i = 0; i < 6; ++i) {
                left[i] = s_.probes[(6 * w + i) * kJointFrames + lane];
                const double* row = m_.told.data() + (6 * w + i) * m_.fieldCount;
                told[i] = 0;
                for (std::int64_t k = 6; k < m_.fieldCount; ++k)
                    told[i] += row[k] * static_cast<double>(s_.x[k * kJointFrames + lane]);
            }
            to[0] += length(left);
            to[1] += length(told);
        }
        for (int i = 0; i < 2; ++i)
            to[i] *= m_.radius * m_.radius / static_cast<double>(std::max<std::int64_t>(1, m_.waves));
    }

    // What is left of rigid motion alone, under Geman-McClure weights whose scale is the lower quintile.
    void writeResiduals(double* to) {
        setPose();
        const JointKernels& kernel = kernels().joint;
        for (std::int64_t v = 0; v < m_.padded; v += kJointBlock)
            kernel.weigh(&pose_, s_.world + 3 * v * kJointFrames, m_.points.data() + 3 * v, m_.ones.data(),
                         m_.blockRows(v) / 3, m_.freedom, true, s_.rows, s_.squares + v * kJointFrames);
        std::vector<float> squares, ordered;
        for (int l = 0; l < count_; ++l) {
            squares.clear();
            std::vector<double> weights;
            for (std::int64_t v = 0; v < m_.vertices; ++v)
                if (m_.weights[v] > 0 && !std::isnan(s_.world[3 * v * kJointFrames + l])) {
                    squares.push_back(s_.squares[v * kJointFrames + l]);
                    weights.push_back(m_.weights[v]);
                }
            to[l] = 0;
            if (squares.empty()) continue;
            ordered = squares;
            const auto fifth = ordered.begin() + static_cast<std::ptrdiff_t>(ordered.size() / 5);
            std::nth_element(ordered.begin(), fifth, ordered.end());
            const double scale = std::max(static_cast<double>(*fifth), 1e-30);
            double sum = 0, total = 0;
            for (std::size_t i = 0; i < squares.size(); ++i) {
                const double agreeing = 1 / (1 + squares[i] / scale), w = weights[i] * agreeing * agreeing;
                sum += w * squares[i];
                total += w;
            }
            to[l] = m_.radius * std::sqrt(sum / total);
        }
    }

    double length(const double* q) const {
        double sum = 0;
        for (int i = 0; i < 6; ++i)
            for (int j = 0; j < 6; ++j) sum += q[i] * m_.metric[6 * i + j] * q[j];
        return sum;
    }

    const JointPanels& m_;
    Scratch16 s_;
    std::int64_t begin_ = 0;
    int count_ = 0;
    Head start_[kJointFrames], head_[kJointFrames];
    JointPose pose_;
};

}  // namespace

struct JointSolver::State {
    explicit State(const JointModel& model) : panels(model) {}

    JointPanels panels;
    mutable ScratchPool pool;
};

JointSolver::JointSolver(const JointModel& model) : state_(std::make_unique<State>(model)) {}
JointSolver::~JointSolver() = default;
JointSolver::JointSolver(JointSolver&&) noexcept = default;
JointSolver& JointSolver::operator=(JointSolver&&) noexcept = default;

std::int64_t JointSolver::vertices() const {
    return state_->panels.vertices;
}

std::int64_t JointSolver::fieldCount() const {
    return state_->panels.fieldCount;
}

void JointSolver::spread(double* out) const {
    std::copy(state_->panels.spread.begin(), state_->panels.spread.end(), out);
}

void JointSolver::solve(const ConstFrames& positions, const std::int64_t* index, const double* rotation,
                        const double* translation, const JointOptions& options,
                        const JointResult& result) const {
    const JointPanels& panels = state_->panels;
    for (std::int64_t v = 0; v < panels.vertices; ++v)
        if (index[v] < 0 || index[v] >= positions.vertices)
            throw Error(Status::invalidArgument, "index must name vertices below " +
                                                     std::to_string(positions.vertices) + ", got " +
                                                     std::to_string(index[v]));
    if (options.steps < 1 || options.rounds < 0 || !(options.relaxation > 0 && options.relaxation < 2))
        throw Error(Status::invalidArgument,
                    "steps must be at least 1, rounds at least 0, relaxation between 0 and 2");
    parallelFor((positions.frames + kJointFrames - 1) / kJointFrames, 1,
                [&](std::int64_t first, std::int64_t last) {
                    const ScratchPool::Lease memory(&state_->pool, sizeof(float) * Scratch16::floats(panels));
                    Group group(panels, memory.data());
                    for (std::int64_t task = first; task < last; ++task) {
                        const std::int64_t begin = task * kJointFrames;
                        group.load(positions, index, rotation, translation, begin,
                                   std::min(begin + kJointFrames, positions.frames));
                        group.begin();
                        for (int step = 0; step < options.steps; ++step) {
                            if (step > 0) group.settle();
                            for (int round = 0; round < options.rounds; ++round)
                                group.reweight(options.relaxation);
                            if (step + 1 == options.steps) group.examine();
                            group.move();
                        }
                        group.write(result);
                    }
                });
}

}  // namespace mien

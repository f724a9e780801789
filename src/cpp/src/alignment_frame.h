// The fit of one frame.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "alignment_reference.h"

namespace mien {

// One frame's fit, about the reference's centroid and the frame's origin.
struct FrameFit {
    double rotation[9], scale = 1, offset[3];
    double squares = 0;  // sum of weighted squared distances, as the moments give it
    bool determined = false;

    AlignmentPose pose() const;
};

// What is known of a frame.
struct FrameAlignment {
    FrameFit fit;
    double origin[3] = {0, 0, 0};
    double sigma = 0, residual = 0, support = 1, spread = 0;
    std::int32_t iterations = 0;
};

// The work on one frame after the other in lanes of T, with its scratch memory.
template <class T>
class FrameAligner {
  public:
    FrameAligner(const ConstFrames& positions, const AlignmentReference& reference,
                 const AlignmentOptions& options);

    // `weights` are the frame's own, or null for those of the reference. In lanes of floats a problem may be
    // theirs alone.
    AlignmentProblem align(std::int64_t frame, const double* weights, FrameAlignment* out);

  private:
    bool chooseOrigin(const char* frame);
    void takeWeights(const double* weights);
    bool sumPlain(const char* frame);
    bool knowsSquares() const;
    AlignmentProblem plain(const char* frame);
    AlignmentProblem plainGathered(const char* frame);
    AlignmentProblem startRobust(const char* frame, double* square);
    AlignmentProblem robust(const char* frame);
    void iterate(double target);
    bool settle(double moved, double before) const;
    std::int64_t gather(const char* frame);
    FrameFit fitMoments(double frameSquares) const;
    void reweight(const FrameFit& fit, double sigma, bool withSquares);
    void measure();
    double estimateScale();
    double quantile();
    double choose(std::uint32_t prefix, int shift, double below, double wanted);

    const ConstFrames& positions_;
    const AlignmentReference& reference_;
    const ReferenceLanes<T>& lanes_;
    const AlignmentPasses<T>& passes_;
    const AlignmentOptions& options_;
    const T* prior_;  // the weights of this frame
    double priorWeight_ = 0, rounding_ = 0, presentWeight_ = 0;
    std::int64_t present_ = 0, gone_ = 0;
    Coordinates<T> frame_;           // empty until a frame needs it
    AlignedVector<T> frameWeights_;  // empty unless frames have their own
    UnsetVector<float> squares_;
    std::vector<std::pair<std::uint32_t, double>> candidates_;
    AlignmentMoments moments_{};
    FrameAlignment now_;
};

extern template class FrameAligner<float>;
extern template class FrameAligner<double>;

}  // namespace mien

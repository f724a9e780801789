#include "mien/rig.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "shapes.h"

namespace mien {

void checkShape(const ConstShapes& shapes, std::int64_t s, std::int64_t vertices) {
    std::int64_t last = -1;
    bool good = shapes.starts[s] >= 0 && shapes.starts[s] <= shapes.starts[s + 1];
    for (std::int64_t i = shapes.starts[s]; good && i < shapes.starts[s + 1]; ++i) {
        good = shapes.indices[i] > last;
        last = shapes.indices[i];
    }
    if (!good || last >= vertices)
        throw Error(Status::invalidArgument, "shapes must name ascending vertices below " +
                                                 std::to_string(vertices) + ", shape " + std::to_string(s) +
                                                 " does not");
}

namespace {

// A task is this many vertices of this many frames: its sums (192 KiB) stay in the second-level cache, and a
// shape is read once for all its frames.
constexpr std::int64_t kVertices = 1024;
constexpr std::int64_t kFrames = 8;

template <class T>
void load(const ConstFrames& neutral, std::int64_t begin, std::int64_t end, double* sums) {
    const char* from = static_cast<const char*>(neutral.data) + begin * neutral.vertexStride;
    for (std::int64_t v = begin; v < end; ++v, from += neutral.vertexStride, sums += 3) {
        const T* p = reinterpret_cast<const T*>(from);
        for (int c = 0; c < 3; ++c) sums[c] = p[c];
    }
}

template <class T>
void store(const double* sums, std::int64_t begin, std::int64_t end, const Frames& out, std::int64_t f) {
    char* to = static_cast<char*>(out.data) + f * out.frameStride + begin * out.vertexStride;
    for (std::int64_t v = begin; v < end; ++v, to += out.vertexStride, sums += 3) {
        T* q = reinterpret_cast<T*>(to);
        for (int c = 0; c < 3; ++c) q[c] = static_cast<T>(sums[c]);
    }
}

// Shapes that some frame uses, checked, so that no kernel leaves its memory.
std::vector<std::int64_t> usedShapes(const ConstShapes& shapes, const double* weights, std::int64_t frames,
                                     std::int64_t vertices) {
    std::vector<char> isUsed(static_cast<std::size_t>(shapes.shapes), 0);
    for (std::int64_t f = 0; f < frames; ++f)
        for (std::int64_t s = 0; s < shapes.shapes; ++s) isUsed[s] |= weights[f * shapes.shapes + s] != 0;
    std::vector<std::int64_t> used;
    for (std::int64_t s = 0; s < shapes.shapes; ++s) {
        if (!isUsed[s]) continue;
        checkShape(shapes, s, vertices);
        used.push_back(s);
    }
    return used;
}

void evaluateBlock(const ConstFrames& neutral, const ConstShapes& shapes, const double* weights,
                   const std::vector<std::int64_t>& used, const Frames& out, std::int64_t firstFrame,
                   std::int64_t begin) {
    const bool isFloat = shapes.scalar == Scalar::float32;
    const auto add = isFloat ? kernels().rig.addFloat : kernels().rig.addDouble;
    const std::size_t size = isFloat ? sizeof(float) : sizeof(double);
    const std::int64_t end = std::min(begin + kVertices, out.vertices);
    const std::int64_t frames = std::min(kFrames, out.frames - firstFrame);
    const std::int64_t width = 3 * (end - begin);
    std::vector<double> sums(static_cast<std::size_t>(frames * width));
    (neutral.scalar == Scalar::float32 ? load<float> : load<double>)(neutral, begin, end, sums.data());
    for (std::int64_t g = 1; g < frames; ++g)
        std::copy(sums.begin(), sums.begin() + width, sums.begin() + g * width);

    for (const std::int64_t s : used) {
        double active[kFrames];
        double* targets[kFrames];
        int n = 0;
        for (std::int64_t g = 0; g < frames; ++g) {
            const double w = weights[(firstFrame + g) * shapes.shapes + s];
            if (w == 0) continue;
            active[n] = w;
            targets[n++] = sums.data() + g * width;
        }
        if (n == 0) continue;
        const std::int32_t *first = shapes.indices + shapes.starts[s],
                           *last = shapes.indices + shapes.starts[s + 1];
        const std::int32_t* from = std::lower_bound(first, last, begin);
        const std::int32_t* to = std::lower_bound(from, last, end);
        const char* offsets = static_cast<const char*>(shapes.offsets) + 3 * size * (from - shapes.indices);
        add(from, offsets, to - from, begin, active, targets, n);
    }
    for (std::int64_t g = 0; g < frames; ++g)
        (out.scalar == Scalar::float32 ? store<float> : store<double>)(sums.data() + g * width, begin, end,
                                                                       out, firstFrame + g);
}

}  // namespace

void evaluateShapes(const ConstFrames& neutral, const ConstShapes& shapes, const double* weights,
                    const Frames& out) {
    if (neutral.frames != 1 || neutral.vertices != out.vertices)
        throw Error(Status::invalidArgument, "neutral must be one frame with the vertices of out");
    const auto used = usedShapes(shapes, weights, out.frames, out.vertices);
    const std::int64_t blocks = (out.vertices + kVertices - 1) / kVertices;
    const std::int64_t groups = (out.frames + kFrames - 1) / kFrames;
    parallelFor(blocks * groups, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t task = first; task < last; ++task)
            evaluateBlock(neutral, shapes, weights, used, out, task / blocks * kFrames,
                          task % blocks * kVertices);
    });
}

}  // namespace mien

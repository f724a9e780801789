#include "mien/shape_projection.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mien/error.h"
#include "mien/parallel.h"
#include "shapes.h"

namespace mien {
namespace {

constexpr std::int64_t kVertices = 64;  // of a block: its sums of products are of 192 terms
constexpr std::int64_t kFrames = 48;    // of a task: a multiple of the kernel's rows

struct Run {
    std::int64_t first, count;  // consecutive vertices
};

struct Block {
    std::vector<std::int64_t> vertices;
    std::vector<Run> runs;              // the same
    std::vector<std::int64_t> shapes;   // that move one of them
    std::vector<double> rest, weights;  // 3 for each vertex; 1 for each
    std::int64_t width = 0, start = 0;  // shapes, padded; place of its panel
    std::int64_t depth() const { return 3 * static_cast<std::int64_t>(vertices.size()); }
};

}  // namespace

struct ShapeProjection::State {
    std::int64_t shapes = 0, vertices = 0;
    Scalar scalar = Scalar::float32;
    std::vector<Block> blocks;
    std::vector<float> floats;  // panels [depth][width] of m B, one of the two
    std::vector<double> doubles;
    std::vector<double> gram;

    void chooseVertices(const ConstShapes& given, const double* weights);
    void copyNeutral(const ConstFrames& neutral, const double* weights);
    void pack(const ConstShapes& given);
};

namespace {

double offsetOf(const ConstShapes& shapes, std::int64_t entry, int c) {
    return shapes.scalar == Scalar::float32 ? static_cast<const float*>(shapes.offsets)[3 * entry + c]
                                            : static_cast<const double*>(shapes.offsets)[3 * entry + c];
}

// The block's shapes as dense rows [shape][depth].
void unpack(const ConstShapes& given, const Block& block, std::vector<double>& rows) {
    const std::int64_t depth = block.depth();
    rows.assign(static_cast<std::size_t>(block.width * depth), 0.0);
    for (std::size_t s = 0; s < block.shapes.size(); ++s) {
        const std::int32_t *begin = given.indices + given.starts[block.shapes[s]],
                           *end = given.indices + given.starts[block.shapes[s] + 1];
        const std::int32_t* at = std::lower_bound(begin, end, block.vertices.front());
        for (std::size_t i = 0; i < block.vertices.size(); ++i) {
            while (at != end && *at < block.vertices[i]) ++at;
            if (at == end) break;
            if (*at != block.vertices[i]) continue;
            double* to =
                rows.data() + static_cast<std::int64_t>(s) * depth + 3 * static_cast<std::int64_t>(i);
            for (int c = 0; c < 3; ++c) to[c] = offsetOf(given, at - given.indices, c);
        }
    }
}

}  // namespace

void ShapeProjection::State::chooseVertices(const ConstShapes& given, const double* weights) {
    std::vector<char> moved(static_cast<std::size_t>(vertices), 0);
    for (std::int64_t i = given.shapes ? given.starts[0] : 0; i < (given.shapes ? given.starts[shapes] : 0);
         ++i)
        moved[given.indices[i]] = 1;
    for (std::int64_t v = 0; v < vertices; ++v) {
        if (!moved[v] || (weights && !(weights[v] > 0))) continue;
        if (blocks.empty() || static_cast<std::int64_t>(blocks.back().vertices.size()) == kVertices)
            blocks.emplace_back();
        Block& block = blocks.back();
        block.vertices.push_back(v);
        if (!block.runs.empty() && block.runs.back().first + block.runs.back().count == v)
            ++block.runs.back().count;
        else
            block.runs.push_back({v, 1});
    }
    std::vector<std::int64_t> blockOf(static_cast<std::size_t>(vertices), -1);
    for (std::size_t b = 0; b < blocks.size(); ++b)
        for (const std::int64_t v : blocks[b].vertices) blockOf[v] = static_cast<std::int64_t>(b);
    for (std::int64_t s = 0; s < shapes; ++s)
        for (std::int64_t i = given.starts[s]; i < given.starts[s + 1]; ++i) {
            const std::int64_t b = blockOf[given.indices[i]];
            if (b >= 0 && (blocks[b].shapes.empty() || blocks[b].shapes.back() != s))
                blocks[b].shapes.push_back(s);
        }
}

void ShapeProjection::State::copyNeutral(const ConstFrames& neutral, const double* weights) {
    const char* from = static_cast<const char*>(neutral.data);
    for (Block& block : blocks)
        for (const std::int64_t v : block.vertices) {
            const char* p = from + v * neutral.vertexStride;
            for (int c = 0; c < 3; ++c)
                block.rest.push_back(neutral.scalar == Scalar::float32
                                         ? static_cast<double>(reinterpret_cast<const float*>(p)[c])
                                         : reinterpret_cast<const double*>(p)[c]);
            block.weights.push_back(weights ? weights[v] : 1.0);
        }
}

// Panels, and the Gram matrix from them in double.
void ShapeProjection::State::pack(const ConstShapes& given) {
    std::int64_t total = 0;
    for (Block& block : blocks) {
        block.width = (static_cast<std::int64_t>(block.shapes.size()) + kProjectionPad - 1) / kProjectionPad *
                      kProjectionPad;
        block.start = total;
        total += block.width * block.depth();
    }
    (scalar == Scalar::float32) ? floats.resize(static_cast<std::size_t>(total))
                                : doubles.resize(static_cast<std::size_t>(total));
    gram.assign(static_cast<std::size_t>(shapes * shapes), 0.0);
    std::vector<double> rows, panel, sums;
    for (const Block& block : blocks) {
        unpack(given, block, rows);
        const std::int64_t depth = block.depth(), width = block.width;
        panel.resize(static_cast<std::size_t>(depth * width));
        for (std::int64_t c = 0; c < depth; ++c)
            for (std::int64_t k = 0; k < width; ++k)
                panel[c * width + k] = block.weights[c / 3] * rows[k * depth + c];
        if (scalar == Scalar::float32)
            std::transform(panel.begin(), panel.end(), floats.begin() + block.start,
                           [](double x) { return static_cast<float>(x); });
        else
            std::copy(panel.begin(), panel.end(), doubles.begin() + block.start);
        const auto active = static_cast<std::int64_t>(block.shapes.size());
        sums.assign(static_cast<std::size_t>(active * width), 0.0);
        kernels().projection.productDouble(rows.data(), depth, active, panel.data(), width, depth,
                                           sums.data(), width);
        for (std::int64_t a = 0; a < active; ++a)
            for (std::int64_t b = 0; b <= a; ++b)
                gram[block.shapes[a] * shapes + block.shapes[b]] += sums[a * width + b];
    }
    for (std::int64_t a = 0; a < shapes; ++a)
        for (std::int64_t b = 0; b < a; ++b) gram[b * shapes + a] = gram[a * shapes + b];
}

ShapeProjection::ShapeProjection(const ConstShapes& shapes, const ConstFrames& neutral,
                                 const double* vertexWeights, Scalar scalar)
    : state_(std::make_unique<State>()) {
    if (neutral.frames != 1) throw Error(Status::invalidArgument, "neutral must be one frame");
    for (std::int64_t s = 0; s < shapes.shapes; ++s) checkShape(shapes, s, neutral.vertices);
    state_->shapes = shapes.shapes;
    state_->vertices = neutral.vertices;
    state_->scalar = scalar;
    state_->chooseVertices(shapes, vertexWeights);
    state_->copyNeutral(neutral, vertexWeights);
    state_->pack(shapes);
}
ShapeProjection::~ShapeProjection() = default;
ShapeProjection::ShapeProjection(ShapeProjection&&) noexcept = default;
ShapeProjection& ShapeProjection::operator=(ShapeProjection&&) noexcept = default;

std::int64_t ShapeProjection::shapes() const {
    return state_->shapes;
}

void ShapeProjection::gram(double* out) const {
    std::copy(state_->gram.begin(), state_->gram.end(), out);
}

namespace {

template <class T>
void projectFrames(const std::vector<Block>& blocks, const T* panels, std::int64_t shapes,
                   const ConstFrames& positions, std::int64_t begin, std::int64_t end, double* out) {
    const bool isFloat = positions.scalar == Scalar::float32;
    const auto& table = kernels().projection;
    const auto offsets = isFloat ? table.offsetsFloat : table.offsetsDouble;
    const auto product = isFloat ? table.productFloat : table.productDouble;
    const std::int64_t frames = end - begin;
    std::vector<T> rows(static_cast<std::size_t>(frames * 3 * kVertices));
    std::vector<double> sums;
    std::fill(out + begin * shapes, out + end * shapes, 0.0);
    for (const Block& block : blocks) {
        const std::int64_t depth = block.depth();
        for (std::int64_t f = 0; f < frames; ++f) {
            const char* frame =
                static_cast<const char*>(positions.data) + (begin + f) * positions.frameStride;
            std::int64_t at = 0;
            for (const Run& run : block.runs) {
                offsets(frame, positions.vertexStride, run.first, run.count, block.rest.data() + at,
                        rows.data() + f * depth + at);
                at += 3 * run.count;
            }
        }
        sums.assign(static_cast<std::size_t>(frames * block.width), 0.0);
        product(rows.data(), depth, frames, panels + block.start, block.width, depth, sums.data(),
                block.width);
        for (std::int64_t f = 0; f < frames; ++f)
            for (std::size_t s = 0; s < block.shapes.size(); ++s)
                out[(begin + f) * shapes + block.shapes[s]] +=
                    sums[f * block.width + static_cast<std::int64_t>(s)];
    }
}

template <class T>
bool finite(const ConstFrames& positions, std::int64_t f, std::int64_t v) {
    const T* p = reinterpret_cast<const T*>(static_cast<const char*>(positions.data) +
                                            f * positions.frameStride + v * positions.vertexStride);
    return std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
}

}  // namespace

bool ShapeProjection::project(const ConstFrames& positions, double* out, std::int64_t* frame,
                              std::int64_t* vertex) const {
    const State& s = *state_;
    if (positions.vertices != s.vertices || positions.scalar != s.scalar)
        throw Error(Status::invalidArgument,
                    "positions must have the neutral's vertices and the type agreed");
    parallelFor((positions.frames + kFrames - 1) / kFrames, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t task = first; task < last; ++task) {
            const std::int64_t begin = task * kFrames, end = std::min(begin + kFrames, positions.frames);
            if (s.scalar == Scalar::float32)
                projectFrames(s.blocks, s.floats.data(), s.shapes, positions, begin, end, out);
            else
                projectFrames(s.blocks, s.doubles.data(), s.shapes, positions, begin, end, out);
        }
    });
    // What is not finite makes every sum of its block not finite.
    for (std::int64_t f = 0; f < positions.frames; ++f) {
        if (std::all_of(out + f * s.shapes, out + (f + 1) * s.shapes,
                        [](double x) { return std::isfinite(x); }))
            continue;
        for (const Block& block : s.blocks)
            for (const std::int64_t v : block.vertices)
                if (!(s.scalar == Scalar::float32 ? finite<float> : finite<double>)(positions, f, v)) {
                    *frame = f;
                    *vertex = v;
                    return false;
                }
        throw Error(Status::numericalFailure, "positions of frame " + std::to_string(f) + " are too large");
    }
    return true;
}

}  // namespace mien

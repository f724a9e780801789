#include "mien/intrinsic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <utility>

namespace mien {
namespace {

constexpr double kSlack = 1e-9;        // least l_a + l_b - l_c, relative to the mean edge
constexpr double kCocircular = 1e-10;  // cotangents that sum to more than minus this are good
constexpr std::int64_t kFlipsPerEdge = 100;

double doubledArea(double a, double b, double c) {
    const double square = (a + b + c) * (b + c - a) * (c + a - b) * (a + b - c);
    return 0.5 * std::sqrt(std::max(0.0, square));
}

// Side h = 3 t + k of triangle t lies opposite corner k and leads from corner k + 1 to corner k + 2.
constexpr std::int64_t around(std::int64_t side, int step) {
    return side - side % 3 + (side % 3 + step) % 3;
}

class Flipper {
  public:
    Flipper(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t count);
    void run();
    IntrinsicTriangulation result;

  private:
    std::int32_t vertex(std::int64_t side, int step) const { return result.triangles[around(side, step)]; }
    double length(std::int64_t side, int step) const { return result.lengths[around(side, step)]; }
    std::int64_t back(std::int64_t side) const;
    void mollify();
    void glue();
    double cotangent(std::int64_t side) const;
    bool flip(std::int64_t side);
    void place(std::int64_t side, std::int32_t corner, double length) {
        result.triangles[side] = corner;
        result.lengths[side] = length;
    }
    void push(std::int64_t side) {
        const std::int64_t twin = twin_[side];
        const std::int64_t one = std::min(side, twin);
        if (queued_[one]) return;
        queued_[one] = true;
        queue_.push_back(one);
    }

    std::int64_t count_;              // triangles of the surface, which are there twice
    std::vector<std::int64_t> twin_;  // the same edge in the triangle beyond it
    std::vector<char> queued_;
    std::deque<std::int64_t> queue_;
};

Flipper::Flipper(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t count)
    : count_(count), twin_(static_cast<std::size_t>(6 * count)), queued_(twin_.size(), 0) {
    result.triangles.assign(triangles, triangles + 3 * count);
    result.triangles.resize(twin_.size());
    result.lengths.resize(twin_.size());
    const auto point = [&](std::int32_t v, int c) {
        const char* at = static_cast<const char*>(positions.data) + v * positions.vertexStride;
        return positions.scalar == Scalar::float32 ? reinterpret_cast<const float*>(at)[c]
                                                   : reinterpret_cast<const double*>(at)[c];
    };
    for (std::int64_t side = 0; side < 3 * count; ++side) {
        double square = 0;
        for (int c = 0; c < 3; ++c) {
            const double d = point(vertex(side, 1), c) - point(vertex(side, 2), c);
            square += d * d;
        }
        result.triangles[back(side)] = vertex(side, 0);
        result.lengths[side] = result.lengths[back(side)] = std::sqrt(square);
    }
    mollify();
    glue();
}

void Flipper::mollify() {
    double mean = 0, missing = 0;
    for (const double l : result.lengths) mean += l / static_cast<double>(result.lengths.size());
    for (std::int64_t side = 0; side < static_cast<std::int64_t>(twin_.size()); ++side)
        missing =
            std::max(missing, kSlack * mean - (length(side, 1) + length(side, 2) - result.lengths[side]));
    for (double& l : result.lengths) l += missing;
}

// The side of the back that is the same edge, the other way.
std::int64_t Flipper::back(std::int64_t side) const {
    return 3 * count_ + side - side % 3 + (3 - side % 3) % 3;
}

// Around every edge the front of one triangle is joined to the back of the next.
void Flipper::glue() {
    const std::int64_t sides = 3 * count_;
    std::vector<std::array<std::int64_t, 3>> order(static_cast<std::size_t>(sides));
    for (std::int64_t side = 0; side < sides; ++side) {
        const std::int64_t i = vertex(side, 1), j = vertex(side, 2);
        order[side] = {std::min(i, j), std::max(i, j), side};
    }
    std::sort(order.begin(), order.end());
    for (std::size_t first = 0; first < order.size();) {
        std::size_t end = first;
        while (end < order.size() && order[end][0] == order[first][0] && order[end][1] == order[first][1])
            ++end;
        for (std::size_t at = first; at < end; ++at) {
            const std::int64_t one = order[at][2], next = order[at + 1 < end ? at + 1 : first][2];
            const std::int64_t up = vertex(one, 1) <= vertex(one, 2) ? one : back(one);
            const std::int64_t down = vertex(next, 1) <= vertex(next, 2) ? back(next) : next;
            twin_[up] = down, twin_[down] = up;
        }
        first = end;
    }
}

double Flipper::cotangent(std::int64_t side) const {
    const double a = length(side, 0), b = length(side, 1), c = length(side, 2);
    return ((b - a) * (b + a) + c * c) / (2 * doubledArea(a, b, c));
}

// Corners before: (a b c) with the edge b c opposite a, and (d c b). After: (a b d) and (a d c).
bool Flipper::flip(std::int64_t h) {
    const std::int64_t g = twin_[h];
    if (h / 3 == g / 3) return false;
    const std::int32_t a = vertex(h, 0), b = vertex(h, 1), c = vertex(h, 2), d = vertex(g, 0);
    const double bc = length(h, 0), ca = length(h, 1), ab = length(h, 2);
    const double bd = length(g, 1), dc = length(g, 2);
    // Laid flat: b at the origin, c at (bc, 0), a above, d below.
    const double ax = ((ab - ca) * (ab + ca) + bc * bc) / (2 * bc), ay = doubledArea(ab, bc, ca) / bc;
    const double dx = ((bd - dc) * (bd + dc) + bc * bc) / (2 * bc), dy = doubledArea(bd, bc, dc) / bc;
    const double across = std::sqrt((ax - dx) * (ax - dx) + (ay + dy) * (ay + dy));
    // Rounding may make of a flat corner one that is bent the wrong way.
    const bool sound = doubledArea(ab, bd, across) > 0 && doubledArea(across, dc, ca) > 0;
    if (!sound) return false;

    const std::int64_t p = 3 * (h / 3), q = 3 * (g / 3);
    const std::int64_t before[4] = {around(g, 1), around(h, 2), around(g, 2), around(h, 1)};
    const std::int64_t after[4] = {p, p + 2, q, q + 1};  // b d, a b, d c, c a
    std::int64_t others[4];
    for (int i = 0; i < 4; ++i) {
        others[i] = twin_[before[i]];
        for (int j = 0; j < 4; ++j)
            if (twin_[before[i]] == before[j]) others[i] = after[j];
    }
    place(p, a, bd), place(p + 1, b, across), place(p + 2, d, ab);
    place(q, a, dc), place(q + 1, d, ca), place(q + 2, c, across);
    for (int i = 0; i < 4; ++i) {
        twin_[after[i]] = others[i];
        twin_[others[i]] = after[i];
    }
    twin_[p + 1] = q + 2, twin_[q + 2] = p + 1;
    for (const std::int64_t side : after) push(side);
    return true;
}

void Flipper::run() {
    std::int64_t left = kFlipsPerEdge * 3 * count_;
    for (std::int64_t side = 0; side < static_cast<std::int64_t>(twin_.size()); ++side) push(side);
    while (!queue_.empty()) {
        const std::int64_t side = queue_.front();
        queue_.pop_front();
        queued_[side] = false;
        const std::int64_t twin = twin_[side];
        if (!(cotangent(side) + cotangent(twin) < -kCocircular)) continue;
        if (left-- > 0 && flip(side))
            ++result.flips;
        else
            result.delaunay = false;
    }
}

}  // namespace

IntrinsicTriangulation intrinsicDelaunay(const ConstFrames& positions, const std::int32_t* triangles,
                                         std::int64_t triangleCount) {
    Flipper flipper(positions, triangles, triangleCount);
    flipper.run();
    return std::move(flipper.result);
}

}  // namespace mien

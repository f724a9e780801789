#include "mien/geodesic.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "mien/error.h"

namespace mien {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Two distances closer than this fraction are the same distance, found twice.
constexpr double kSame = 1e-10;
// A vertex is expanded again when its distance shrinks. Good meshes need one or two rounds; the bound is for
// geometry that is no surface at all.
constexpr int kMaxVisits = 64;

struct Point {
    double x, y, z;
};

// A distance and where it comes from: straight from `source`, itself `offset` away from the nearest seed. The
// source is a seed, or a vertex around which the way bends.
struct Label {
    double distance = kInfinity;
    double offset = 0;
    std::int32_t source = -1;

    bool sameSource(const Label& other) const { return source == other.source && offset == other.offset; }
};

double lengthBetween(const Point& a, const Point& b) {
    const double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
    return std::sqrt((x * x + y * y) + z * z);
}

// A triangle laid flat: a at the origin, b at (base, 0), c at (x, y) with y >= 0.
struct Flat {
    double base, x, y;
};

Flat layFlat(const Point& a, const Point& b, const Point& c) {
    const double base = lengthBetween(a, b), ac = lengthBetween(a, c), bc = lengthBetween(b, c);
    if (!(base > 0)) return {0, 0, 0};
    const double x = ((ac - bc) * (ac + bc) + base * base) / (2 * base);
    return {base, x, std::sqrt(std::max(0.0, (ac - x) * (ac + x)))};
}

// Distance at c when a and b are seen from one point below their edge, whose place follows from their own
// distances; infinity when the straight line from there to c does not cross the edge.
double fromPoint(const Flat& t, double toA, double toB) {
    const double x = ((toA - toB) * (toA + toB) + t.base * t.base) / (2 * t.base);
    const double square = (toA - x) * (toA + x);
    const double scale = std::max(toA, t.base);
    if (square < -kSame * scale * scale) return kInfinity;
    const double depth = std::sqrt(std::max(0.0, square));
    const double height = depth + t.y;
    if (height > 0) {
        const double crossing = x + (t.x - x) * (depth / height);
        if (crossing < -kSame * t.base || crossing > (1 + kSame) * t.base) return kInfinity;
    } else if (t.x < 0 || t.x > t.base) {
        return kInfinity;
    }
    const double across = t.x - x;
    return std::sqrt(across * across + height * height);
}

// Distance at c when a straight front passes a and b at their distances; infinity when it does not enter
// through their edge (the update of Kimmel and Sethian 1998).
double fromFront(const Flat& t, double toA, double toB) {
    const double along = (toB - toA) / t.base;
    if (!(std::fabs(along) < 1)) return kInfinity;
    const double up = std::sqrt((1 - along) * (1 + along));
    const double entry = t.x - t.y * (along / up);
    if (entry < 0 || entry > t.base) return kInfinity;
    return toA + (along * t.x + up * t.y);
}

class March {
  public:
    March(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t triangleCount)
        : triangles_(triangles),
          points_(static_cast<std::size_t>(positions.vertices)),
          labels_(points_.size()),
          visits_(points_.size()),
          reach_(points_.size()),
          first_(points_.size() + 1) {
        for (std::size_t v = 0; v < points_.size(); ++v) points_[v] = pointAt(positions, v);
        joinTriangles(triangleCount);
    }

    void seed(const std::int32_t* seeds, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) {
            labels_[seeds[i]] = {0, 0, seeds[i]};
            queue_.push({0, seeds[i]});
        }
    }

    void run(double limit) {
        while (!queue_.empty()) {
            const auto [distance, v] = queue_.top();
            queue_.pop();
            if (distance != labels_[v].distance || distance - reach_[v] > limit) continue;
            if (++visits_[v] > kMaxVisits) continue;
            for (std::int64_t i = first_[v]; i < first_[v + 1]; ++i) expand(v, incident_[i]);
        }
    }

    double distance(std::size_t v) const { return labels_[v].distance; }
    bool usable(std::size_t v) const {
        const Point& p = points_[v];
        return std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z);
    }

  private:
    static Point pointAt(const ConstFrames& positions, std::size_t v) {
        const char* at = static_cast<const char*>(positions.data) +
                         static_cast<std::ptrdiff_t>(v) * positions.vertexStride;
        if (positions.scalar == Scalar::float32) {
            const float* p = reinterpret_cast<const float*>(at);
            return {p[0], p[1], p[2]};
        }
        const double* p = reinterpret_cast<const double*>(at);
        return {p[0], p[1], p[2]};
    }

    // Lists for every vertex its triangles (those whose corners are all usable) and its longest edge.
    void joinTriangles(std::int64_t count) {
        std::vector<char> kept(static_cast<std::size_t>(count));
        for (std::int64_t t = 0; t < count; ++t) {
            const std::int32_t* corner = triangles_ + 3 * t;
            kept[t] = usable(corner[0]) && usable(corner[1]) && usable(corner[2]);
            for (int i = 0; kept[t] && i < 3; ++i) {
                const std::int32_t v = corner[i], w = corner[(i + 1) % 3];
                ++first_[v + 1];
                const double length = lengthBetween(points_[v], points_[w]);
                reach_[v] = std::max(reach_[v], length);
                reach_[w] = std::max(reach_[w], length);
            }
        }
        for (std::size_t v = 0; v + 1 < first_.size(); ++v) first_[v + 1] += first_[v];
        incident_.resize(static_cast<std::size_t>(first_.back()));
        std::vector<std::int64_t> next(first_.begin(), first_.end() - 1);
        for (std::int64_t t = 0; t < count; ++t)
            for (int i = 0; kept[t] && i < 3; ++i) incident_[next[triangles_[3 * t + i]]++] = t;
    }

    // Offers v's distance to the two other corners of a triangle.
    void expand(std::int32_t v, std::int64_t triangle) {
        const std::int32_t* corner = triangles_ + 3 * triangle;
        const int at = corner[0] == v ? 0 : corner[1] == v ? 1 : 2;
        const std::int32_t b = corner[(at + 1) % 3], c = corner[(at + 2) % 3];
        alongEdge(v, b);
        alongEdge(v, c);
        across(v, b, c);
        across(v, c, b);
    }

    void alongEdge(std::int32_t a, std::int32_t c) {
        const Label& from = labels_[a];
        const double distance = from.distance + lengthBetween(points_[a], points_[c]);
        offer(c, {distance, from.distance, a});
    }

    void across(std::int32_t a, std::int32_t b, std::int32_t c) {
        const Label atA = labels_[a], atB = labels_[b];
        const Flat flat = layFlat(points_[a], points_[b], points_[c]);
        if (!(flat.base > 0)) return;
        if (atA.sameSource(atB)) {
            const double offset = atA.offset;
            const double distance = fromPoint(flat, atA.distance - offset, atB.distance - offset);
            if (distance < kInfinity) offer(c, {offset + distance, offset, atA.source});
            return;
        }
        const double distance = fromFront(flat, atA.distance, atB.distance);
        // The front comes from one of two sources; go on with the one nearer as the crow flies, which is also
        // the least the distance can be.
        const double viaA = crowFlies(atA, c), viaB = crowFlies(atB, c);
        const Label nearer = viaA <= viaB ? atA : atB;
        if (distance < kInfinity)
            offer(c, {std::max(distance, std::min(viaA, viaB)), nearer.offset, nearer.source});
        // Or it comes from a's source alone, and reaches b later than b's own source does.
        const double late = std::max(crowFlies(atA, b), atB.distance);
        const double lone = fromPoint(flat, atA.distance - atA.offset, late - atA.offset);
        if (lone < kInfinity) offer(c, {std::max(atA.offset + lone, viaA), atA.offset, atA.source});
    }

    // The least that the distance of v can be when the way leads through a label's source.
    double crowFlies(const Label& label, std::int32_t v) const {
        return label.offset + lengthBetween(points_[label.source], points_[v]);
    }

    void offer(std::int32_t v, const Label& label) {
        Label& now = labels_[v];
        const bool nearer = label.distance < now.distance * (1 - kSame);
        // The same distance, but explained without a bend on the way: this source serves more neighbours.
        const bool straighter =
            label.distance <= now.distance * (1 + kSame) && label.offset < now.offset * (1 - kSame);
        if (!nearer && !straighter) return;
        now = label;
        queue_.push({label.distance, v});
    }

    using Entry = std::pair<double, std::int32_t>;

    const std::int32_t* triangles_;
    std::vector<Point> points_;
    std::vector<Label> labels_;
    std::vector<int> visits_;
    std::vector<double> reach_;
    std::vector<std::int64_t> first_, incident_;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue_;
};

void check(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t triangleCount,
           const std::int32_t* seeds, std::int64_t seedCount, double limit) {
    if (positions.frames != 1) throw Error(Status::invalidArgument, "positions must be one frame");
    if (seedCount < 1) throw Error(Status::invalidArgument, "there must be at least one seed");
    if (!(limit >= 0)) throw Error(Status::invalidArgument, "limit must be at least 0");
    const auto outside = [&](std::int32_t v) { return v < 0 || v >= positions.vertices; };
    if (std::any_of(triangles, triangles + 3 * triangleCount, outside))
        throw Error(Status::invalidArgument, "triangles must name vertices that exist");
    if (std::any_of(seeds, seeds + seedCount, outside))
        throw Error(Status::invalidArgument, "seeds must name vertices that exist");
}

}  // namespace

void geodesicDistance(const ConstFrames& positions, const std::int32_t* triangles, std::int64_t triangleCount,
                      const std::int32_t* seeds, std::int64_t seedCount, double limit, double* out) {
    check(positions, triangles, triangleCount, seeds, seedCount, limit);
    March march(positions, triangles, triangleCount);
    for (std::int64_t i = 0; i < seedCount; ++i)
        if (!march.usable(seeds[i]))
            throw Error(Status::invalidArgument,
                        "seed " + std::to_string(seeds[i]) + " has a coordinate that is not finite");
    march.seed(seeds, seedCount);
    march.run(limit);
    for (std::int64_t v = 0; v < positions.vertices; ++v) {
        const double distance = march.distance(v);
        out[v] = distance <= limit ? distance : kInfinity;
    }
}

}  // namespace mien

#include "near_triangles.h"

#include <algorithm>
#include <cmath>

namespace mien {
namespace {

// Of the reach: how far points and corners together may go before triangles are listed anew.
constexpr double kSlack = 0.25;

double clamped(double x) {
    return std::min(std::max(x, 0.0), 1.0);
}

double farthest(const std::vector<Vector3>& a, const std::vector<Vector3>& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const Vector3 step = a[i] - b[i];
        most = std::max(most, dot(step, step));  // what is missing stays missing, and does not count
    }
    return std::sqrt(most);
}

}  // namespace

struct NearTriangles::Best {
    double squared;
    SurfacePlace place;
};

void NearTriangles::measure(const std::vector<Vector3>& corners, const std::vector<std::int32_t>& triangles) {
    flats_.resize(triangles.size() / 3);
    for (std::size_t t = 0; t < flats_.size(); ++t) {
        const Vector3 a = corners[triangles[3 * t]], ab = corners[triangles[3 * t + 1]] - a,
                      ac = corners[triangles[3 * t + 2]] - a, middle = (1.0 / 3.0) * (ab + ac);
        const Vector3 fromB = ab - middle, fromC = ac - middle;
        const double square = std::max({dot(middle, middle), dot(fromB, fromB), dot(fromC, fromC)});
        flats_[t] = {a, ab, ac, a + middle, dot(ab, ab), dot(ab, ac), dot(ac, ac), std::sqrt(square)};
    }
}

void NearTriangles::order() {
    ordered_.clear();
    widest_ = 0;
    for (std::size_t t = 0; t < flats_.size(); ++t) {
        if (!isFinite(flats_[t].centre)) continue;
        widest_ = std::max(widest_, flats_[t].radius);
        ordered_.emplace_back(flats_[t].centre.x, static_cast<std::int32_t>(t));
    }
    std::sort(ordered_.begin(), ordered_.end());
}

void NearTriangles::place(const std::vector<Vector3>& corners, const std::vector<std::int32_t>& triangles) {
    measure(corners, triangles);
    order();
}

// Calls visit(triangle, squared distance of its centre) where its circle comes within reach.
template <typename Visit>
void NearTriangles::visitWithin(const Vector3& point, double reach, const Visit& visit) const {
    if (!isFinite(point)) return;
    const double across = reach + widest_, last = point.x + across;
    auto at = std::lower_bound(ordered_.begin(), ordered_.end(), std::make_pair(point.x - across, -1));
    for (; at != ordered_.end() && at->first <= last; ++at) {
        const Flat& flat = flats_[at->second];
        const Vector3 off = point - flat.centre;
        const double square = dot(off, off), limit = reach + flat.radius;
        if (square < limit * limit) visit(at->second, square);
    }
}

// The nearest point of a triangle is the foot of the perpendicular, or on an edge that the foot lies beyond.
void NearTriangles::look(const Vector3& point, std::int32_t triangle, Best& best) const {
    const Flat& flat = flats_[triangle];
    const Vector3 ap = point - flat.a;
    const double d20 = dot(ap, flat.ab), d21 = dot(ap, flat.ac);
    const auto offer = [&](double v, double w) {
        const Vector3 off = ap - v * flat.ab - w * flat.ac;
        const double squared = dot(off, off);
        if (!(squared < best.squared || (squared == best.squared && triangle < best.place.triangle))) return;
        best = {squared, {triangle, {1 - v - w, v, w}}};
    };
    const double determinant = flat.d00 * flat.d11 - flat.d01 * flat.d01;
    const double v = flat.d11 * d20 - flat.d01 * d21, w = flat.d00 * d21 - flat.d01 * d20;
    const bool flatOut = !(determinant > 0);
    if (!flatOut && v >= 0 && w >= 0 && v + w <= determinant) return offer(v / determinant, w / determinant);
    if (flatOut || w < 0) offer(flat.d00 > 0 ? clamped(d20 / flat.d00) : 0.0, 0);
    if (flatOut || v < 0) offer(0, flat.d11 > 0 ? clamped(d21 / flat.d11) : 0.0);
    if (flatOut || v + w > determinant) {
        const double length = flat.d00 - 2 * flat.d01 + flat.d11;
        const double s = length > 0 ? clamped((d21 - d20 - flat.d01 + flat.d00) / length) : 0.0;
        offer(1 - s, s);
    }
}

SurfacePlace NearTriangles::nearest(const Vector3& point, double reach) const {
    Best best{reach * reach, {}};
    visitWithin(point, reach, [&](std::int32_t triangle, double square) {
        const double limit = std::sqrt(best.squared) + flats_[triangle].radius;
        if (square < limit * limit) look(point, triangle, best);
    });
    return best.place;
}

void NearTriangles::list() {
    const double slack = kSlack * reach_;
    begin_.assign(1, 0);
    listed_.clear();
    for (const Vector3& point : points_) {
        visitWithin(point, reach_ + slack, [&](std::int32_t triangle, double square) {
            listed_.emplace_back(std::sqrt(square) - flats_[triangle].radius, triangle);
        });
        std::sort(listed_.begin() + begin_.back(), listed_.end());
        begin_.push_back(static_cast<std::int64_t>(listed_.size()));
    }
}

void NearTriangles::follow(const std::vector<Vector3>& points, const std::vector<Vector3>& corners,
                           const std::vector<std::int32_t>& triangles, double reach) {
    measure(corners, triangles);
    points_ = points;
    if (reach_ == reach) {
        gone_ = farthest(points, listedPoints_) + farthest(corners, listedCorners_);
        if (gone_ < kSlack * reach) return;
    }
    reach_ = reach;
    gone_ = 0;
    listedPoints_ = points;
    listedCorners_ = corners;
    order();
    list();
}

SurfacePlace NearTriangles::nearestTo(std::size_t v, std::int32_t guess) const {
    const Vector3& point = points_[v];
    Best best{reach_ * reach_, {}};
    if (!isFinite(point)) return best.place;
    if (guess >= 0) look(point, guess, best);
    double bound = std::sqrt(best.squared);
    for (std::int64_t i = begin_[v]; i < begin_[v + 1]; ++i) {
        const auto& [least, triangle] = listed_[i];
        if (least > bound + gone_) break;
        const Vector3 off = point - flats_[triangle].centre;
        const double limit = bound + flats_[triangle].radius;
        if (!(dot(off, off) < limit * limit) || triangle == guess) continue;
        look(point, triangle, best);
        bound = std::sqrt(best.squared);
    }
    return best.place;
}

}  // namespace mien

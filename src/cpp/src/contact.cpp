#include "mien/contact.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "mien/error.h"
#include "mien/parallel.h"
#include "near_triangles.h"
#include "vector3.h"

namespace mien {
namespace {

// Lengths in units of about a millimetre.
constexpr double kDepth = 3.0;  // what lies deeper behind the other side was not pushed through it by an edit
constexpr double kDeep = 0.05;  // what is pushed out for certain; less is eased into
constexpr int kPasses = 12;
constexpr double kEnough = 1e-3;  // of `near`: corrections smaller than this end the passes
// Straight behind, not past a rim: cosines from which that counts not at all and fully.
constexpr double kStraight = 0.5, kStraightest = 0.9;
constexpr double kFacing = 0.3;  // a surface is not behind one that looks the same way

double ease(double t) {
    return std::min(std::max(t * t * t * (t * (t * 6.0 - 15.0) + 10.0), 0.0), 1.0);
}
double clamped(double t) {
    return std::min(std::max(t, 0.0), 1.0);
}

struct Side {
    std::int64_t vertices;
    std::vector<std::int32_t> triangles;
};

using Points = std::vector<Vector3>;

Vector3 at(const SurfacePlace& place, const Side& side, const Points& positions) {
    const std::int32_t* t = side.triangles.data() + 3 * static_cast<std::int64_t>(place.triangle);
    return place.share[0] * positions[t[0]] + place.share[1] * positions[t[1]] +
           place.share[2] * positions[t[2]];
}

Points normalsOf(const Side& side, const Points& positions) {
    Points normals(positions.size());
    for (std::size_t t = 0; t < side.triangles.size(); t += 3) {
        const std::int32_t* c = side.triangles.data() + t;
        const Vector3 flat = cross(positions[c[1]] - positions[c[0]], positions[c[2]] - positions[c[0]]);
        for (int k = 0; k < 3; ++k) normals[c[k]] = normals[c[k]] + flat;
    }
    for (Vector3& normal : normals) normal = unitOf(normal);
    return normals;
}

// Where a vertex touches the other side in the take, and how much it does, 0 to 1.
struct Seal {
    SurfacePlace place;
    double amount = 0;
    Vector3 was;  // from there to the vertex
};

// How deep a vertex lies behind the other side's surface, 0 in front of it, and the way out.
struct Depth {
    double depth = 0;
    Vector3 normal;
};

// One frame at work.
class Frame {
  public:
    Frame(const Side* sides, const ContactOptions& options) : sides_(sides), options_(options) {}

    void correct(const double* before, const double* now, double* moves) {
        load(before, before_);
        load(now, now_);
        const Points given[2] = {now_[0], now_[1]};
        const int moving = options_.secondYields ? 2 : 1;
        remember();
        for (int pass = 0; pass < kPasses; ++pass) {
            normals_[0] = normalsOf(sides_[0], now_[0]);
            normals_[1] = normalsOf(sides_[1], now_[1]);
            for (int i = 0; i < 2; ++i) wanted_[i].assign(now_[i].size(), Vector3{});
            for (int i = 0; i < moving; ++i) demand(i, moving == 1 ? 1.0 : 0.5);
            if (moving == 1) handOver();
            double most = 0;
            for (int i = 0; i < moving; ++i)
                for (std::size_t v = 0; v < now_[i].size(); ++v) {
                    const Vector3& w = wanted_[i][v];
                    now_[i][v] = now_[i][v] + w;
                    most = std::max({most, std::abs(w.x), std::abs(w.y), std::abs(w.z)});
                }
            if (!(most > kEnough * options_.near)) break;
        }
        for (int i = 0; i < moving; ++i)
            for (std::size_t v = 0; v < now_[i].size(); ++v, moves += 3) {
                const Vector3 step = now_[i][v] - given[i][v];
                moves[0] = std::isfinite(step.x) ? step.x : 0.0;
                moves[1] = std::isfinite(step.y) ? step.y : 0.0;
                moves[2] = std::isfinite(step.z) ? step.z : 0.0;
            }
    }

  private:
    void load(const double* from, Points* to) const {
        for (int i = 0; i < 2; ++i) {
            to[i].resize(static_cast<std::size_t>(sides_[i].vertices));
            for (Vector3& p : to[i]) {
                p = {from[0], from[1], from[2]};
                from += 3;
            }
        }
    }

    // What touches in the take.
    void remember() {
        for (int i = 0; i < 2; ++i) {
            captured_[i].place(before_[1 - i], sides_[1 - i].triangles);
            capturedNormals_[i] = normalsOf(sides_[i], before_[i]);
            seals_[i].assign(before_[i].size(), Seal{});
            allowed_[i].assign(before_[i].size(), -1.0);
            places_[i].assign(before_[i].size(), SurfacePlace{});
            near_[i].forget();
            for (std::size_t v = 0; v < before_[i].size(); ++v) {
                const SurfacePlace place = captured_[i].nearest(before_[i][v], 2 * options_.near);
                if (place.triangle < 0) continue;
                const Vector3 was = before_[i][v] - at(place, sides_[1 - i], before_[1 - i]);
                const double gap = std::sqrt(dot(was, was));
                seals_[i][v] = {place, 1 - ease(clamped(gap / options_.near - 1)), was};
            }
        }
    }

    Depth depthOf(const Points* positions, const Points* normals, const SurfacePlace& place, int i,
                  std::size_t v) const {
        if (place.triangle < 0) return {};
        const Side& other = sides_[1 - i];
        const Vector3 normal = unitOf(at(place, other, normals[1 - i]));
        const Vector3 away = positions[i][v] - at(place, other, positions[1 - i]);
        const double behind = -dot(away, normal);
        if (!(behind > 0)) return {};
        const double straight = behind / std::max(std::sqrt(dot(away, away)), 1e-300);
        const double depth = behind * ease(clamped((straight - kStraight) / (kStraightest - kStraight))) *
                             ease(clamped(-dot(normals[i][v], normal) / kFacing));
        return std::isfinite(depth) ? Depth{depth, normal} : Depth{};
    }

    // How deep a vertex already lies behind the other side in the take: it may stay so.
    double allowed(int i, std::size_t v) {
        double& depth = allowed_[i][v];
        if (depth < 0) {
            const SurfacePlace place = captured_[i].nearest(before_[i][v], kDepth * options_.unit);
            depth = depthOf(before_, capturedNormals_, place, i, v).depth;
        }
        return depth;
    }

    // What would bring a side's vertices to where they touched, and out of the other side.
    void demand(int i, double share) {
        near_[i].follow(now_[i], now_[1 - i], sides_[1 - i].triangles, kDepth * options_.unit);
        for (std::size_t v = 0; v < now_[i].size(); ++v) {
            const Seal& seal = seals_[i][v];
            Vector3 step;
            if (seal.amount > 0)
                step = seal.amount * (seal.was - (now_[i][v] - at(seal.place, sides_[1 - i], now_[1 - i])));
            if (seal.amount < 1) {
                places_[i][v] = near_[i].nearestTo(v, places_[i][v].triangle);
                const Depth found = depthOf(now_, normals_, places_[i][v], i, v);
                const double out = found.depth > 0 ? std::max(found.depth - allowed(i, v), 0.0) : 0.0;
                const double eased = out * ease(std::min(out / (kDeep * options_.unit), 1.0));
                step = step + ((1 - seal.amount) * eased) * found.normal;
            }
            wanted_[i][v] = wanted_[i][v] + share * step;
        }
    }

    // What the first side must do so that a second side that does not move keeps touching it.
    void handOver() {
        total_.assign(now_[0].size(), 0.0);
        parts_.assign(now_[0].size(), Vector3{});
        for (std::size_t v = 0; v < now_[1].size(); ++v) {
            const Seal& seal = seals_[1][v];
            if (!(seal.amount > 0)) continue;
            const Vector3 back = seal.amount * (now_[1][v] - at(seal.place, sides_[0], now_[0]) - seal.was);
            for (int k = 0; k < 3; ++k) {
                const std::int32_t corner = sides_[0].triangles[3 * seal.place.triangle + k];
                const double share = seal.place.share[k];
                total_[corner] += share;
                // A corner that touches by itself knows better where it belongs.
                parts_[corner] = parts_[corner] + (share * (1 - seals_[0][corner].amount)) * back;
            }
        }
        for (std::size_t v = 0; v < total_.size(); ++v)
            if (total_[v] > 0) wanted_[0][v] = wanted_[0][v] + (0.5 / total_[v]) * parts_[v];
    }

    const Side* sides_;
    const ContactOptions options_;
    Points before_[2], now_[2], normals_[2], capturedNormals_[2], wanted_[2], parts_;
    std::vector<double> allowed_[2], total_;
    std::vector<Seal> seals_[2];
    std::vector<SurfacePlace> places_[2];
    NearTriangles captured_[2], near_[2];
};

Side copied(const ContactSide& from, const char* name) {
    if (from.vertices < 1 || from.triangleCount < 1)
        throw Error(Status::invalidArgument, std::string("the ") + name + " side must have a triangle");
    Side side{from.vertices, {from.triangles, from.triangles + 3 * from.triangleCount}};
    for (const std::int32_t v : side.triangles)
        if (v < 0 || v >= side.vertices)
            throw Error(Status::invalidArgument,
                        std::string("the ") + name + " side's triangles must name vertices below " +
                            std::to_string(side.vertices) + ", got " + std::to_string(v));
    return side;
}

}  // namespace

struct Contact::Sides {
    Side sides[2];
    ContactOptions options;
};

Contact::Contact(const ContactSide& first, const ContactSide& second, const ContactOptions& options) {
    if (!(options.near > 0 && std::isfinite(options.near) && options.unit > 0 && std::isfinite(options.unit)))
        throw Error(Status::invalidArgument, "`near` and `unit` must be finite and above 0");
    sides_ =
        std::make_unique<const Sides>(Sides{{copied(first, "first"), copied(second, "second")}, options});
}

Contact::~Contact() = default;
Contact::Contact(Contact&&) noexcept = default;
Contact& Contact::operator=(Contact&&) noexcept = default;

std::int64_t Contact::vertices() const {
    return sides_->sides[0].vertices + sides_->sides[1].vertices;
}
std::int64_t Contact::moving() const {
    return sides_->sides[0].vertices + (sides_->options.secondYields ? sides_->sides[1].vertices : 0);
}

void Contact::correct(const double* before, const double* now, std::int64_t frameCount, double* moves) const {
    const std::int64_t all = 3 * vertices(), some = 3 * moving();
    parallelFor(frameCount, 1, [&](std::int64_t begin, std::int64_t end) {
        Frame frame(sides_->sides, sides_->options);
        for (std::int64_t f = begin; f < end; ++f)
            frame.correct(before + f * all, now + f * all, moves + f * some);
    });
}

}  // namespace mien

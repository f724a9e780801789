#include "mien/nearest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "mien/error.h"
#include "mien/parallel.h"

namespace mien {
namespace {

constexpr int kMaxDimension = 8;
constexpr std::int32_t kLeaf = 8;          // points that are looked at one by one
constexpr std::int64_t kQueryGrain = 256;  // queries per task

// A range of points. Its children, where it has any, are `left` and left + 1.
struct Node {
    std::int32_t begin, end;
    std::int32_t left = -1;
};

// The k nearest points so far, nearest first, kept in the caller's output.
struct Found {
    std::int32_t* index;
    double* squared;
    int count;

    double worst() const { return squared[count - 1]; }

    void offer(std::int32_t point, double distance) {
        int at = count - 1;
        if (distance > squared[at] || (distance == squared[at] && point > index[at] && index[at] >= 0))
            return;
        for (; at > 0; --at) {
            const bool before = distance < squared[at - 1] ||
                                (distance == squared[at - 1] && (index[at - 1] < 0 || point < index[at - 1]));
            if (!before) break;
            squared[at] = squared[at - 1];
            index[at] = index[at - 1];
        }
        squared[at] = distance;
        index[at] = point;
    }
};

}  // namespace

struct NearestPoints::Tree {
    std::int64_t count;
    int dimension;
    std::vector<double> points;         // in tree order
    std::vector<std::int32_t> indices;  // tree order -> given order
    std::vector<Node> nodes;
    std::vector<double> boxes;  // of each node's points: least, then largest coordinates

    Tree(const double* given, std::int64_t n, int d) : count(n), dimension(d) {
        indices.resize(static_cast<std::size_t>(n));
        std::iota(indices.begin(), indices.end(), 0);
        nodes.push_back({0, static_cast<std::int32_t>(n)});
        for (std::size_t at = 0; at < nodes.size(); ++at) split(given, at);
        points.resize(static_cast<std::size_t>(n * d));
        for (std::int64_t i = 0; i < n; ++i)
            std::copy_n(given + static_cast<std::int64_t>(indices[i]) * d, d, points.data() + i * d);
    }

    // Measures a node, and cuts it in two halves across its widest axis.
    void split(const double* given, std::size_t at) {
        Node node = nodes[at];
        boxes.resize(boxes.size() + 2 * dimension);
        double *low = boxes.data() + boxes.size() - 2 * dimension, *high = low + dimension;
        int widest = 0;
        for (int axis = 0; axis < dimension; ++axis) {
            low[axis] = std::numeric_limits<double>::infinity();
            high[axis] = -low[axis];
            for (std::int32_t i = node.begin; i < node.end; ++i) {
                const double x = given[static_cast<std::int64_t>(indices[i]) * dimension + axis];
                low[axis] = std::min(low[axis], x);
                high[axis] = std::max(high[axis], x);
            }
            if (high[axis] - low[axis] > high[widest] - low[widest]) widest = axis;
        }
        if (node.end - node.begin <= kLeaf) return;
        const auto key = [&](std::int32_t i) {
            return given[static_cast<std::int64_t>(i) * dimension + widest];
        };
        const std::int32_t middle = node.begin + (node.end - node.begin) / 2;
        std::nth_element(
            indices.begin() + node.begin, indices.begin() + middle, indices.begin() + node.end,
            [&](std::int32_t a, std::int32_t b) { return key(a) != key(b) ? key(a) < key(b) : a < b; });
        node.left = static_cast<std::int32_t>(nodes.size());
        nodes[at] = node;
        nodes.push_back({node.begin, middle});
        nodes.push_back({middle, node.end});
    }

    // Squared distance from a node's box. Rounded as that of a point is, term by term, so it is never above
    // it.
    template <int D>
    double outside(std::int32_t at, const double* query) const {
        const int d = D > 0 ? D : dimension;
        const double *low = boxes.data() + static_cast<std::int64_t>(at) * 2 * d, *high = low + d;
        double sum = 0;
        for (int axis = 0; axis < d; ++axis) {
            const double q = query[axis], away = q - std::min(std::max(q, low[axis]), high[axis]);
            sum += away * away;
        }
        return sum;
    }

    // D is the dimension where the compiler knows it, or 0.
    template <int D>
    void search(std::int32_t at, const double* query, Found& found) const {
        const Node& node = nodes[at];
        if (node.left >= 0) {
            const double one = outside<D>(node.left, query), two = outside<D>(node.left + 1, query);
            const int first = two < one;
            if ((first ? two : one) <= found.worst()) search<D>(node.left + first, query, found);
            if ((first ? one : two) <= found.worst()) search<D>(node.left + 1 - first, query, found);
            return;
        }
        const int d = D > 0 ? D : dimension;
        for (std::int32_t i = node.begin; i < node.end; ++i) {
            const double* p = points.data() + static_cast<std::int64_t>(i) * d;
            double sum = 0;
            for (int axis = 0; axis < d; ++axis) {
                const double away = query[axis] - p[axis];
                sum += away * away;
            }
            found.offer(indices[i], sum);
        }
    }

    template <int D>
    void find(const double* queries, std::int64_t begin, std::int64_t end, int neighbours,
              std::int32_t* index, double* squared) const {
        for (std::int64_t q = begin; q < end; ++q) {
            const double* query = queries + q * dimension;
            Found found{index + q * neighbours, squared + q * neighbours, neighbours};
            std::fill_n(found.index, neighbours, -1);
            std::fill_n(found.squared, neighbours, std::numeric_limits<double>::infinity());
            if (std::all_of(query, query + dimension, [](double x) { return std::isfinite(x); }))
                search<D>(0, query, found);
        }
    }
};

NearestPoints::NearestPoints(const double* points, std::int64_t count, int dimension) {
    if (count < 1 || count > std::numeric_limits<std::int32_t>::max())
        throw Error(Status::invalidArgument,
                    "nearest points need 1 to 2^31 - 1 points, got " + std::to_string(count));
    if (dimension < 1 || dimension > kMaxDimension)
        throw Error(Status::invalidArgument,
                    "points must have 1 to 8 coordinates, got " + std::to_string(dimension));
    for (std::int64_t i = 0; i < count * dimension; ++i)
        if (!std::isfinite(points[i]))
            throw Error(Status::invalidArgument,
                        "points must be finite, point " + std::to_string(i / dimension) + " is not");
    tree_ = std::make_unique<const Tree>(points, count, dimension);
}

NearestPoints::~NearestPoints() = default;
NearestPoints::NearestPoints(NearestPoints&&) noexcept = default;
NearestPoints& NearestPoints::operator=(NearestPoints&&) noexcept = default;

std::int64_t NearestPoints::count() const {
    return tree_->count;
}
int NearestPoints::dimension() const {
    return tree_->dimension;
}

void NearestPoints::find(const double* queries, std::int64_t queryCount, int neighbours, std::int32_t* index,
                         double* squared) const {
    if (neighbours < 1 || neighbours > tree_->count)
        throw Error(Status::invalidArgument, "neighbours must be 1 to " + std::to_string(tree_->count) +
                                                 ", got " + std::to_string(neighbours));
    parallelFor(queryCount, kQueryGrain, [&](std::int64_t begin, std::int64_t end) {
        const auto run = tree_->dimension == 3   ? &Tree::find<3>
                         : tree_->dimension == 6 ? &Tree::find<6>
                                                 : &Tree::find<0>;
        ((*tree_).*run)(queries, begin, end, neighbours, index, squared);
    });
}

}  // namespace mien

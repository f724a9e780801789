#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "leaf_order.h"
#include "ordering.h"
#include "separator.h"

namespace mien {
namespace {

constexpr int kBins = 64, kFewestBins = 8;
constexpr double kBandLayers =
    2.5;                           // half the width of the band in which a separator is looked for, in edges
constexpr double kBalance = 0.12;  // how far from the middle a cut may lie, as a share
constexpr double kLargestCut = 0.35;  // a separator above this share means that the positions are no guide
constexpr std::int32_t kSmallGuide = 256;  // below that, what the positions say is taken anyway

struct Point {
    float x, y, z, reach;  // reach: length of its longest edge
    std::int32_t vertex;
};

using Axis = std::array<float, 3>;

// One function for all, so that a vertex lies on the same side wherever it is looked at from.
inline float along(const Axis& axis, float x, float y, float z) {
    return (axis[0] * x + axis[1] * y) + axis[2] * z;
}

struct Cut {
    Axis axis{};
    float place = 0, halfBand = 0;
    double cost = std::numeric_limits<double>::infinity();
};

// Eigenvectors of a symmetric 3 x 3 matrix, by descending eigenvalue (cyclic Jacobi).
void principalAxes(double m[3][3], Axis axes[3], double variances[3]) {
    double v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int sweep = 0; sweep < 8; ++sweep)
        for (int p = 0; p < 2; ++p)
            for (int q = p + 1; q < 3; ++q) {
                if (std::fabs(m[p][q]) <= 1e-14 * (std::fabs(m[p][p]) + std::fabs(m[q][q]))) continue;
                const double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
                const double t = (theta < 0 ? -1 : 1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int i = 0; i < 3; ++i) {
                    const double a = m[i][p], b = m[i][q];
                    m[i][p] = c * a - s * b;
                    m[i][q] = s * a + c * b;
                }
                for (int i = 0; i < 3; ++i) {
                    const double a = m[p][i], b = m[q][i];
                    m[p][i] = c * a - s * b;
                    m[q][i] = s * a + c * b;
                    const double d = v[i][p], e = v[i][q];
                    v[i][p] = c * d - s * e;
                    v[i][q] = s * d + c * e;
                }
            }
    int order[3] = {0, 1, 2};
    std::sort(order, order + 3, [&](int a, int b) { return m[a][a] > m[b][b]; });
    for (int k = 0; k < 3; ++k) {
        variances[k] = m[order[k]][order[k]];
        for (int i = 0; i < 3; ++i) axes[k][i] = static_cast<float>(v[i][order[k]]);
    }
}

class Dissection {
  public:
    Dissection(const Graph& graph, const double* positions);
    std::vector<std::int32_t> run();

  private:
    void dissect(std::int32_t begin, std::int32_t end);
    Cut findCut(std::int32_t begin, std::int32_t end);
    void tryAxis(const Axis& axis, double centre, double spread, int bins, std::int32_t begin,
                 std::int32_t end, Cut* best);
    bool separate(const Cut& cut, std::int32_t begin, std::int32_t end, std::int32_t* lowEnd,
                  std::int32_t* highEnd);
    bool separateBand(const Cut& cut);
    void orderSeparator(std::int32_t begin, std::int32_t end);
    void leaf(std::int32_t begin, std::int32_t end);
    void withoutPositions(std::int32_t begin, std::int32_t end);

    const Graph& graph_;
    std::vector<Point> points_, high_, near_;
    std::vector<float> where_;         // n x 3: positions by vertex
    std::vector<char> done_;           // in a separator
    std::vector<std::int32_t> local_;  // place in the band or leaf, -1 elsewhere
    std::vector<std::int32_t> order_;
    Band band_;
    const char* side_ = nullptr;
};

Dissection::Dissection(const Graph& graph, const double* positions)
    : graph_(graph),
      points_(graph.size),
      where_(3 * static_cast<std::size_t>(graph.size)),
      done_(graph.size, 0),
      local_(graph.size, -1),
      order_(graph.size) {
    const std::int32_t n = graph.size;
    double low[3], high[3], extent = 0;
    for (int i = 0; i < 3; ++i) {
        low[i] = high[i] = positions[i];
        for (std::int32_t v = 0; v < n; ++v) {
            low[i] = std::min(low[i], positions[3 * static_cast<std::int64_t>(v) + i]);
            high[i] = std::max(high[i], positions[3 * static_cast<std::int64_t>(v) + i]);
        }
        extent = std::max(extent, high[i] / 2 - low[i] / 2);
    }
    const double scale = extent > 0 ? 1 / extent : 0;
    for (std::size_t k = 0; k < where_.size(); ++k) {
        const double middle = low[k % 3] / 2 + high[k % 3] / 2;
        where_[k] = static_cast<float>((positions[k] - middle) * scale);
    }
    for (std::int32_t v = 0; v < n; ++v) {
        const float* p = where_.data() + 3 * static_cast<std::int64_t>(v);
        float longest = 0;
        for (std::int64_t k = graph.start[v]; k < graph.start[v + 1]; ++k) {
            const float* q = where_.data() + 3 * static_cast<std::int64_t>(graph.neighbours[k]);
            const float x = p[0] - q[0], y = p[1] - q[1], z = p[2] - q[2];
            longest = std::max(longest, (x * x + y * y) + z * z);
        }
        points_[v] = {p[0], p[1], p[2], std::sqrt(longest) * 1.001f + 1e-6f, v};
    }
}

// Where along an axis a plane through the middle part cuts few edges: the reach of vertices, by bins, says
// how many are cut there.
void Dissection::tryAxis(const Axis& axis, double centre, double spread, int bins, std::int32_t begin,
                         std::int32_t end, Cut* best) {
    std::int32_t counts[kBins + 1] = {};
    float reach[kBins + 1] = {};
    const double width = 5 * spread / bins;
    const auto low = static_cast<float>(centre - 2.5 * spread), scale = static_cast<float>(1 / width);
    for (std::int32_t k = begin; k < end; ++k) {
        const Point& p = points_[k];
        const float at = (along(axis, p.x, p.y, p.z) - low) * scale;
        const int bin = static_cast<int>(std::min(std::max(at, 0.0f), static_cast<float>(bins - 1)));
        ++counts[bin];
        reach[bin] += p.reach;
    }
    const double total = end - begin;
    std::int32_t below = 0;
    for (int bin = 1; bin < bins; ++bin) {
        below += counts[bin - 1];
        const double share = below / total, off = std::fabs(share - 0.5);
        if (off > kBalance && off > 0.5 * counts[bin - 1] / total) continue;
        const std::int32_t here = counts[bin - 1] + counts[bin];
        const double cut = (static_cast<double>(reach[bin - 1]) + reach[bin]) / (2 * width);
        const double cost = (cut + 1) * (1 + 6 * off * off);
        if (cost >= best->cost) continue;
        best->cost = cost;
        best->axis = axis;
        best->place = low + static_cast<float>(bin * width);
        best->halfBand =
            here > 0 ? static_cast<float>(kBandLayers * (static_cast<double>(reach[bin - 1]) + reach[bin]) /
                                          here * 0.7)
                     : 0;
    }
}

Cut Dissection::findCut(std::int32_t begin, std::int32_t end) {
    double sum[3] = {}, m[3][3] = {}, reach = 0;
    const double n = end - begin;
    const Point& origin = points_[begin];
    for (std::int32_t k = begin; k < end; ++k) {
        const double x = points_[k].x - origin.x, y = points_[k].y - origin.y, z = points_[k].z - origin.z;
        sum[0] += x, sum[1] += y, sum[2] += z;
        reach += points_[k].reach;
        m[0][0] += x * x, m[0][1] += x * y, m[0][2] += x * z;
        m[1][1] += y * y, m[1][2] += y * z, m[2][2] += z * z;
    }
    for (int i = 0; i < 3; ++i)
        for (int j = i; j < 3; ++j) m[j][i] = m[i][j] = m[i][j] / n - sum[i] / n * (sum[j] / n);
    const double mean[3] = {origin.x + sum[0] / n, origin.y + sum[1] / n, origin.z + sum[2] / n};
    Axis axes[3];
    double variances[3];
    principalAxes(m, axes, variances);
    Cut best;
    for (int k = 0; k < 2; ++k) {
        double centre = 0;
        for (int i = 0; i < 3; ++i) centre += axes[k][i] * mean[i];
        const double spread = std::sqrt(std::max(variances[k], 0.0));
        if (spread <= 1e-6) continue;
        // No bin narrower than an edge is long: on a regular grid every other one would seem to cut nothing.
        const double most = 5 * spread * n / reach;
        const int bins = most < kFewestBins ? kFewestBins : most > kBins ? kBins : static_cast<int>(most);
        tryAxis(axes[k], centre, spread, bins, begin, end, &best);
    }
    return best;
}

bool Dissection::separateBand(const Cut& cut) {
    band_.clear();
    for (std::size_t k = 0; k < near_.size(); ++k) local_[near_[k].vertex] = static_cast<std::int32_t>(k);
    for (const Point& p : near_) {
        band_.add();
        for (std::int64_t k = graph_.start[p.vertex]; k < graph_.start[p.vertex + 1]; ++k) {
            const std::int32_t u = graph_.neighbours[k];
            if (done_[u]) continue;
            if (local_[u] >= 0) {
                band_.link(local_[u]);
                continue;
            }
            const float* q = where_.data() + 3 * static_cast<std::int64_t>(u);
            if (along(cut.axis, q[0], q[1], q[2]) < cut.place)
                band_.touchLow();
            else
                band_.touchHigh();
        }
    }
    for (const Point& p : near_) local_[p.vertex] = -1;
    side_ = band_.separate();
    return side_ != nullptr;
}

// Parts points_[begin, end) into low, high and separator, in that order.
bool Dissection::separate(const Cut& cut, std::int32_t begin, std::int32_t end, std::int32_t* lowEnd,
                          std::int32_t* highEnd) {
    const std::int32_t count = end - begin;
    if (static_cast<std::int32_t>(high_.size()) < count) high_.resize(count), near_.reserve(count);
    near_.clear();
    std::int32_t low = begin, high = 0;
    for (std::int32_t k = begin; k < end; ++k) {
        const Point p = points_[k];
        const float off = along(cut.axis, p.x, p.y, p.z) - cut.place;
        if (std::fabs(off) <= std::max(cut.halfBand, p.reach)) {
            near_.push_back(p);
            continue;
        }
        points_[low] = p;
        high_[high] = p;
        low += off < 0;
        high += off >= 0;
    }
    const bool found = separateBand(cut);
    if (found)
        for (std::size_t k = 0; k < near_.size(); ++k) {
            if (side_[k] == Band::kLow) points_[low++] = near_[k];
            if (side_[k] == Band::kHigh) high_[high++] = near_[k];
        }
    *lowEnd = low;
    *highEnd = low + high;
    std::copy(high_.begin(), high_.begin() + high, points_.begin() + low);
    std::int32_t at = *highEnd;
    for (std::size_t k = 0; k < near_.size(); ++k)
        if (!found || side_[k] == Band::kSeparator) points_[at++] = near_[k];
    const std::int32_t cutSize = end - *highEnd;
    return found && *lowEnd > begin && *highEnd > *lowEnd &&
           (count <= kSmallGuide || cutSize <= kLargestCut * count);
}

// Along its longest extent, so that what the two halves touch of it are few runs.
void Dissection::orderSeparator(std::int32_t begin, std::int32_t end) {
    if (begin == end) return;
    const auto place = [this](const Point& p) {
        return where_.data() + 3 * static_cast<std::int64_t>(p.vertex);
    };
    int axis = 0;
    float longest = -1;
    for (int i = 0; i < 3; ++i) {
        float low = std::numeric_limits<float>::max(), high = -low;
        for (std::int32_t k = begin; k < end; ++k) {
            low = std::min(low, place(points_[k])[i]);
            high = std::max(high, place(points_[k])[i]);
        }
        if (high - low > longest) longest = high - low, axis = i;
    }
    std::sort(points_.begin() + begin, points_.begin() + end, [&](const Point& a, const Point& b) {
        const float p = place(a)[axis], q = place(b)[axis];
        return p != q ? p < q : a.vertex < b.vertex;
    });
    for (std::int32_t k = begin; k < end; ++k) {
        order_[k] = points_[k].vertex;
        done_[points_[k].vertex] = 1;
    }
}

void Dissection::leaf(std::int32_t begin, std::int32_t end) {
    LeafGraph graph;
    graph.size = end - begin;
    for (std::int32_t k = begin; k < end; ++k) local_[points_[k].vertex] = k - begin;
    std::int32_t touched[2 * kLargestLeaf], touchedCount = 0;
    for (std::int32_t k = begin; k < end; ++k) {
        const std::int32_t v = points_[k].vertex, i = k - begin;
        graph.inside[i] = graph.outside[i][0] = graph.outside[i][1] = 0;
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e) {
            const std::int32_t u = graph_.neighbours[e];
            if (!done_[u]) {
                graph.inside[i] |= std::uint64_t{1} << local_[u];
                continue;
            }
            if (local_[u] < 0) {
                if (touchedCount == 2 * kLargestLeaf) continue;
                local_[u] = touchedCount;
                touched[touchedCount++] = u;
            }
            graph.outside[i][local_[u] >> 6] |= std::uint64_t{1} << (local_[u] & 63);
        }
    }
    std::int32_t order[kLargestLeaf];
    orderLeaf(&graph, order);
    for (std::int32_t i = 0; i < graph.size; ++i) order_[begin + i] = points_[begin + order[i]].vertex;
    for (std::int32_t k = begin; k < end; ++k) local_[points_[k].vertex] = -1;
    for (std::int32_t i = 0; i < touchedCount; ++i) local_[touched[i]] = -1;
}

// Minimum degree on what positions do not help with.
void Dissection::withoutPositions(std::int32_t begin, std::int32_t end) {
    Graph part;
    part.size = end - begin;
    part.start.push_back(0);
    for (std::int32_t k = begin; k < end; ++k) local_[points_[k].vertex] = k - begin;
    for (std::int32_t k = begin; k < end; ++k) {
        const std::int32_t v = points_[k].vertex;
        for (std::int64_t e = graph_.start[v]; e < graph_.start[v + 1]; ++e)
            if (!done_[graph_.neighbours[e]]) part.neighbours.push_back(local_[graph_.neighbours[e]]);
        part.start.push_back(static_cast<std::int64_t>(part.neighbours.size()));
    }
    const std::vector<std::int32_t> order = minimumDegree(part);
    for (std::int32_t k = 0; k < part.size; ++k) order_[begin + k] = points_[begin + order[k]].vertex;
    for (std::int32_t k = begin; k < end; ++k) local_[points_[k].vertex] = -1;
}

void Dissection::dissect(std::int32_t begin, std::int32_t end) {
    while (end - begin > kLargestLeaf) {
        const Cut cut = findCut(begin, end);
        std::int32_t lowEnd, highEnd;
        if (!std::isfinite(cut.cost) || !separate(cut, begin, end, &lowEnd, &highEnd)) {
            withoutPositions(begin, end);
            return;
        }
        orderSeparator(highEnd, end);
        dissect(begin, lowEnd);
        begin = lowEnd;
        end = highEnd;
    }
    if (begin < end) leaf(begin, end);
}

std::vector<std::int32_t> Dissection::run() {
    dissect(0, graph_.size);
    return std::move(order_);
}

}  // namespace

std::vector<std::int32_t> nestedDissection(const Graph& graph, const double* positions) {
    return Dissection(graph, positions).run();
}

}  // namespace mien

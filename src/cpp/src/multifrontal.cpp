#include "multifrontal.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mien {
namespace {

// Factors the first nc columns of a dense lower triangle and updates the rest; the first bad column or -1.
std::int32_t factorFront(double* front, std::int64_t ld, std::int32_t nc) {
    for (std::int32_t k = 0; k < nc; ++k) {
        double* column = front + k * ld;
        if (!(column[k] > 0) || !std::isfinite(column[k])) return k;
        column[k] = 1 / std::sqrt(column[k]);
        for (std::int64_t i = k + 1; i < ld; ++i) column[i] *= column[k];
        for (std::int64_t j = k + 1; j < ld; ++j)
            for (std::int64_t i = j; i < ld; ++i)
                front[j * ld + i] = std::fma(-column[i], column[j], front[j * ld + i]);
    }
    return -1;
}

}  // namespace

std::int32_t factorise(const Symbolic& symbolic, const double* diagonal, const double* lower, Scalar storage,
                       void* values, Scratch*) {
    const Supernodes& nodes = symbolic.supernodes;
    std::vector<std::vector<double>> updates(nodes.count());
    std::vector<std::vector<std::int32_t>> children(nodes.count());
    std::vector<double> front;
    for (std::int32_t s = 0; s < nodes.count(); ++s) {
        if (nodes.parent[s] >= 0) children[nodes.parent[s]].push_back(s);
        const std::int32_t first = nodes.firstColumn[s], nc = nodes.columns(s), nr = nodes.rowsBelow(s);
        const std::int64_t ld = nc + nr;
        front.assign(static_cast<std::size_t>(ld * ld), 0.0);
        for (std::int32_t c = 0; c < nc; ++c) {
            front[c * ld + c] = diagonal[first + c];
            for (std::int64_t k = symbolic.columnStart[first + c]; k < symbolic.columnStart[first + c + 1];
                 ++k)
                front[c * ld + symbolic.place[k]] = lower[k];
        }
        for (const std::int32_t child : children[s]) {
            const std::int32_t* to = symbolic.relative.data() + nodes.rowStart[child];
            const std::int64_t m = nodes.rowsBelow(child);
            for (std::int64_t j = 0; j < m; ++j)
                for (std::int64_t i = j; i < m; ++i) front[to[j] * ld + to[i]] += updates[child][j * m + i];
            updates[child] = {};
        }
        const std::int32_t bad = factorFront(front.data(), ld, nc);
        if (bad >= 0) return first + bad;
        updates[s].resize(static_cast<std::size_t>(nr) * nr);
        for (std::int64_t j = 0; j < nr; ++j)
            for (std::int64_t i = j; i < nr; ++i) updates[s][j * nr + i] = front[(nc + j) * ld + nc + i];
        for (std::int64_t c = 0; c < nc; ++c)
            for (std::int64_t i = 0; i < ld; ++i) {
                const double value = i < c ? 0 : front[c * ld + i];
                const std::int64_t at = nodes.panelStart[s] + c * ld + i;
                if (storage == Scalar::float32)
                    static_cast<float*>(values)[at] = static_cast<float>(value);
                else
                    static_cast<double*>(values)[at] = value;
            }
    }
    return -1;
}

}  // namespace mien

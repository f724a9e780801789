// Orders in which a sparse Cholesky factorisation fills in little.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/sparse_factor.h"

namespace mien {

// An undirected graph: both directions of every edge, no loops.
struct Graph {
    std::int32_t size = 0;
    std::vector<std::int64_t> start;       // size + 1
    std::vector<std::int32_t> neighbours;  // ascending for each vertex
};

// Returns the permutation, [new] = old.
//   positions  size x 3, or null; NaN nowhere
std::vector<std::int32_t> orderGraph(const Graph& graph, const double* positions, Ordering ordering);

// Nested dissection by planes through the positions (George 1973; principal axes, Simon 1991), each separator
// a smallest one near its plane; minimum degree where few vertices are left, or where positions are no guide.
std::vector<std::int32_t> nestedDissection(const Graph& graph, const double* positions);

// Nested dissection (George 1973) along whatever the graph is, without positions: parts are cut where few
// edges cross, on patches of vertices, each separator a smallest one near the cut; minimum degree where few
// vertices are left or no small separator is found. Neighbours should have numbers that are close.
std::vector<std::int32_t> surfaceDissection(const Graph& graph);

// The approximate minimum degree ordering (Amestoy, Davis, Duff 1996).
std::vector<std::int32_t> minimumDegree(const Graph& graph);

}  // namespace mien

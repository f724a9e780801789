#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int kArapLanes = 16;  // frames that are worked on together

// Neighbourhoods by compressed rows. For the neighbour j of vertex i `edges` has four scalars: d_ij and w_ij,
// where S_i = sum_j d_ij (u_j - u_i)^T is the covariance of the vertex's cell over `cells`, and the
// Laplacian's residual is sum_j w_ij (u_j - u_i). `cells` is how many cells an edge belongs to: 2 (spokes)
// or 3.
struct ArapCells {
    const int64_t* start;
    const int32_t* neighbours;
    const void* edges;
};

// Blocks of frames, [vertex][component][lane]: positions u, residuals r (three components), rotations q (w,
// x, y, z); float or double, aligned to 64 bytes.
struct ArapKernels {
    // For the first `count` vertices fits the rotation q_i to the cell, warm, if `fit`; then adds what the
    // vertex gives to its own right-hand side and to its neighbours', less the Laplacian of u, to r.
    void (*localFloat)(const ArapCells& cells, int64_t count, bool fit, const void* u, void* q, void* r);
    void (*localDouble)(const ArapCells& cells, int64_t count, bool fit, const void* u, void* q, void* r);
    // u += r and r = 0 for `count` scalars, a multiple of 16.
    void (*advanceFloat)(int64_t count, void* u, void* r);
    void (*advanceDouble)(int64_t count, void* u, void* r);
    // energy[lane] = sum_i (sum_j w_ij (|u_j - u_i|^2 + |v_j - v_i|^2) / 2 - 2 trace(R_i S_i)), with the best
    // rotation found from scratch, in double. rest[i] = sum_j w_ij |v_j - v_i|^2.
    void (*energyDouble)(const ArapCells& cells, int64_t count, const double* rest, const void* u,
                         double* energy);
};

}  // namespace mien

#pragma once

#include <stddef.h>
#include <stdint.h>

namespace mien {

constexpr int kTransferLanes = 16;  // frames that are worked on together

// A target triangle and what moves it. `source` are vertices of the source, or -1 at the front: none.
struct TransferTriangle {
    int32_t source[3], target[3];
};

// Sixteen numbers a triangle: the source's rest edges (2 x 3), its rest normal m (3), and what the three
// columns of the gradient give to the target's second and third corners (2 x 3), 0. Float or double.
constexpr int kTransferNumbers = 16;

// Blocks of frames, [vertex][component][lane], float or double, aligned to 64 bytes.
struct TransferKernels {
    // Adds what the triangles' deformation gives to the right-hand side r of the target, for displacements d
    // of the source.
    void (*scatterFloat)(const TransferTriangle* triangles, const void* numbers, int64_t count, const void* d,
                         void* r);
    void (*scatterDouble)(const TransferTriangle* triangles, const void* numbers, int64_t count,
                          const void* d, void* r);
    // The seventh to ninth of each triangle's numbers, from the first six.
    void (*normalsFloat)(int64_t count, void* numbers);
    void (*normalsDouble)(int64_t count, void* numbers);
    // out[9 k + i][lane] = displaced edges and normal times an inverse (3 x 3), for `count` triangles.
    void (*gradientsDouble)(const int32_t* triangles, const double* inverses, int64_t count, const double* x,
                            double* out);
    // rotation[i][lane] nearest to matrix[i][lane], 9 each, from scratch.
    void (*rotationsDouble)(const double* matrices, double* rotations);
};

}  // namespace mien

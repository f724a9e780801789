// The linear system of a Laplacian deformer: which vertices are free, the matrix among them, and how handles
// act on them.
#pragma once

#include <cstdint>
#include <vector>

#include "mien/laplacian_deformer.h"

namespace mien {

struct LaplacianSystem {
    LaplacianSystem(const std::int32_t* triangles, std::int64_t triangleCount, const ConstFrames& neutral,
                    const std::int32_t* handles, const double* handleWeights, std::int64_t handleCount,
                    const std::uint8_t* held, const LaplacianDeformerOptions& options);

    std::int64_t vertexCount, handleCount;
    std::vector<std::int32_t> free;    // vertices, ascending
    std::vector<std::int32_t> freeOf;  // for each vertex its place in `free`, or -1
    std::vector<std::int32_t> hardOf;  // for each vertex its handle if that is hard, else -1
    std::vector<double> positions;     // of the free vertices, 3 each

    // Lower triangle of the matrix, compressed columns.
    std::vector<std::int64_t> columnStart;
    std::vector<std::int32_t> rows;
    std::vector<double> values;

    // Right-hand side = coupling x displacement of the handles: entries by free vertex.
    struct Coupling {
        std::int32_t row, handle;
        double value;
    };
    std::vector<Coupling> coupling;

    // The whole Laplacian, full columns, and the inverse masses (bilaplacian only): what rotations need.
    std::vector<std::int64_t> laplacianStart;
    std::vector<std::int32_t> laplacianRows;
    std::vector<double> laplacian, inverseMass;

  private:
    void assembleLaplacian(const std::int32_t* triangles, std::int64_t triangleCount,
                           const ConstFrames& neutral, const LaplacianDeformerOptions& options);
    void chooseFree(const std::int32_t* handles, const double* handleWeights, const std::uint8_t* held);
    void requireConstraints(const std::vector<char>& soft) const;
    void assembleMatrix(const std::int32_t* handles, const double* handleWeights);
};

}  // namespace mien

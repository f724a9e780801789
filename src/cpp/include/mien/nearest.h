// Nearest points: a k-d tree over points of few coordinates.
#pragma once

#include <cstdint>
#include <memory>

namespace mien {

// Points kept in a tree, to be asked for the nearest ones. Const after construction; many threads may ask.
class NearestPoints {
  public:
    // Copies the points.
    //   points     count x dimension, row by row; finite
    //   count      1 to 2^31 - 1
    //   dimension  1 to 8: positions, or positions beside normals
    NearestPoints(const double* points, std::int64_t count, int dimension);
    ~NearestPoints();
    NearestPoints(NearestPoints&&) noexcept;
    NearestPoints& operator=(NearestPoints&&) noexcept;

    std::int64_t count() const;
    int dimension() const;

    // For every query its `neighbours` nearest points, nearest first; of points equally near the lower index
    // comes first. A query that is not finite gets -1 and infinity. Parallel over queries; O(log count) each
    // where the points lie on a surface.
    //   queries     queryCount x dimension
    //   neighbours  1 to count
    //   index       queryCount x neighbours, owned by the caller
    //   squared     queryCount x neighbours squared distances, owned by the caller
    void find(const double* queries, std::int64_t queryCount, int neighbours, std::int32_t* index,
              double* squared) const;

  private:
    struct Tree;
    std::unique_ptr<const Tree> tree_;
};

}  // namespace mien

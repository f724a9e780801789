#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "laplacian_system.h"
#include "mien/laplacian_deformer.h"
#include "mien/sparse_factor.h"
#include "scratch.h"

namespace mien {

// What a LaplacianDeformer keeps; const after construction.
struct LaplacianDeformer::State {
    State(LaplacianSystem&& given, const std::int32_t* handleVertices, const LaplacianDeformerOptions& opts)
        : system(std::move(given)),
          options(opts),
          handles(handleVertices, handleVertices + system.handleCount) {}

    struct Fixed {
        std::int32_t vertex, handle;  // handle -1: held
    };

    void findFixed();
    void findTurning();
    void factorise();
    void chooseMethod();
    template <class T>
    void buildResponse();

    void writeFixed(const ConstFrames& targets, const ConstFrames& base, const Frames& out, std::int64_t f,
                    std::int64_t panel) const;
    void handleMove(const ConstFrames& targets, const ConstFrames& base, std::int64_t f, std::int64_t h,
                    double* move) const;
    template <class T>
    void respond(const ConstFrames& targets, const ConstFrames& base, const Frames& out) const;
    template <class T>
    void respondBlock(const T* moves, std::int64_t firstPanel, std::int64_t lastPanel, std::int64_t group,
                      const ConstFrames& targets, const ConstFrames& base, const Frames& out) const;
    template <class S>
    void solveFrames(const ConstFrames& targets, const ConstFrames& base, const Frames& out,
                     std::int64_t begin, std::int64_t end) const;
    template <class S>
    void start(const ConstFrames& targets, const ConstFrames& base, std::int64_t f, S* column,
               int width) const;
    template <class S>
    void couple(const ConstFrames& targets, const ConstFrames& base, std::int64_t f, S* column,
                int width) const;
    template <class S>
    void turn(const ConstFrames& targets, const ConstFrames& base, std::int64_t f, S* column,
              int width) const;
    template <class S, class T>
    void writeFrames(const S* x, int width, const ConstFrames& targets, const ConstFrames& base,
                     const Frames& out, std::int64_t begin, std::int64_t end) const;

    LaplacianSystem system;
    LaplacianDeformerOptions options;
    std::vector<std::int32_t> handles;
    std::unique_ptr<SparseFactor> factor;
    std::vector<std::int32_t> rowOf;                  // for each free vertex its row in the factor
    bool response = false, startsByResponse = false;  // the whole answer, or the one before any rotation
    Scratch panels;                        // of those panels that have free vertices, [handle][lane]
    std::vector<std::int32_t> panelPlace;  // for each panel its place among them, or -1
    std::vector<std::int64_t> fixedStart, freeStart;  // for each panel, into `fixed` and `system.free`
    std::vector<Fixed> fixed;
    std::vector<std::int32_t> turning, turned;  // whose rotation is needed, and whose Laplacian changes by it
    double responseCost = 0, solveCost = 0;
};

}  // namespace mien

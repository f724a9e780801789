// A smooth path through noisy places, as smooth as the places themselves say.
#pragma once

#include <cstdint>

namespace mien {

// What was found of a path: variances of a coordinate.
struct PathNoise {
    double measured = 0;  // of a place of weight 1 about the path
    double driven = 0;    // of the path's third difference, in calm
};

// Finds the path x of F frames and C coordinates that is most likely where a place is the path and white
// noise, and the path's third differences follow Student's distribution with 4 degrees of freedom: calm for
// most of the time, with jolts that are not smoothed. Both variances are learned from the places by
// expectation maximisation, the same for all coordinates, so that turning them turns the answer.
//
//   places   F x C; those of weight 0 are not looked at but must be finite
//   weights  F in [0, 1], inverse variances of places by comparison
//   least    above 0: a standard deviation below which nothing is told apart
//   most     a standard deviation that noise is known not to exceed; what moves more is motion. Not above
//   `least`:
//            there is no noise, and the path is the places
//   path     F x C, may be `places`
//
// Where fewer than 8 places have weight, the path is the places. Cost O(F C) a round, at most 60 rounds,
// serial; the bits depend on nothing but the arguments. Dempster, Laird, Rubin 1977, Maximum likelihood from
// incomplete data via the EM algorithm; the variances of the answer by Takahashi's equations (Erisman, Tinney
// 1975, On computing certain elements of the inverse of a sparse matrix, CACM 18(3)).
PathNoise steadyPath(const double* places, const double* weights, std::int64_t frames, int coordinates,
                     double least, double most, double* path);

}  // namespace mien

// Edits as displacements: what an edit adds to a face in head space, and the take with it added.
//
// A displacement buffer holds F x 3 x V doubles in head space (of each frame all x, then y, then z; other
// fields of doubles likewise) and starts as zeros. Edits add to it one after the other, each seeing the
// expression as those before it left it: current = R_f^T (take - t_f) + delta. Where it stays zero the result
// keeps the take's bits. Everything is per vertex and frame, so blocks of frames can be worked on in any
// order. A vertex for which an edit has no finite displacement keeps what it has.
//
// Weights are V doubles in [0, 1]; null means 1 everywhere. Time is spent where they are not zero.
#pragma once

#include "mien/views.h"

namespace mien {

// A take with its head, head -> world: rotation F x 9 row-major, translation F x 3.
struct HeadTake {
    ConstFrames take;
    const double* rotation = nullptr;
    const double* translation = nullptr;
};

// delta[f, v] += factors[f] weights[v] (shape - current). A gain g under an envelope e pulls to the neutral
// with factors e_f (1 - g).
//
//   shape     3 x V, head space
//   factors   F; frames with 0 are not touched
//   delta     F x 3 x V, changed in place
void accumulateTowardsShape(const HeadTake& head, const double* shape, const double* weights,
                            const double* factors, double* delta);

// delta[f, v] += factors[f] weights[v] (goal - current), goal = matrix_f source[f, v] + offset_f + rest[v].
//
//   source    F frames of V points in any space, float32 or float64
//   matrix    F x 9, row-major: with offset, from the source's space to head space
//   offset    F x 3
//   rest      3 x V that is added to every frame, or null
void accumulateTowards(const HeadTake& head, const ConstFrames& source, const double* matrix,
                       const double* offset, const double* rest, const double* weights, const double* factors,
                       double* delta);

// delta[f, v] += factors[f] weights[v] displacement[v].
//
//   displacement   3 x V, head space
void accumulateDisplacement(const double* displacement, std::int64_t frames, std::int64_t vertices,
                            const double* weights, const double* factors, double* delta);

// out[f, v] = take[f, v] + R_f delta[f, v] where delta is not zero, and the take's bits elsewhere. Sets delta
// back to zeros.
//
//   weights   zero only where delta is; what they are otherwise does not matter
//   delta     F x 3 x V
//   out       like the take, in memory of its own
void writeEdited(const HeadTake& head, const double* weights, double* delta, const Frames& out);

// out = take, bit for bit.
void copyFrames(const ConstFrames& take, const Frames& out);

}  // namespace mien

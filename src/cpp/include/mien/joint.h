// Head and expression of each frame together: a linear estimator with heavy-tailed residuals.
#pragma once

#include <cstdint>
#include <memory>

#include "mien/views.h"

namespace mien {

// What is known before a frame is seen. Displacements of S sample vertices in head space are `fields` times P
// coefficients and a rest. The first 6 fields are small rigid motions about `centre`: turns by 1 / radius,
// then shifts by 1, about and along x, y, z. Lengths are scene units.
struct JointModel {
    std::int64_t vertices = 0;          // S, at least 3
    std::int64_t fieldCount = 0;        // P, at least 6
    const double* points = nullptr;     // S x 3, the face at rest
    const double* weights = nullptr;    // S, at least 0
    const double* fields = nullptr;     // 3 S x P, rows x, y, z of each vertex
    const double* precision = nullptr;  // P, inverse variance of each coefficient; 0: not known
    const double* scale = nullptr;      // S, above 0, how far each vertex strays unexplained
    const double* signs = nullptr;      // waves x S, or null: how probes of the error weigh each vertex
    std::int64_t waves = 0;
    double centre[3] = {0, 0, 0};
    double radius = 1;   // of the points, above 0
    double freedom = 4;  // degrees of freedom of Student's distribution of the rest
    double lost = 25;    // a frame most of whose vertices have squared standardised residuals above this
};

struct JointOptions {
    int steps = 2;   // linearisations about the head, at least 1; each goes on from the one before
    int rounds = 2;  // reweightings in each, at least 0
    // What a reweighting moves is multiplied by it, in (0, 2): weights below 1 make steps that are too short.
    double relaxation = 1.5;
};

// Where results go, all owned by the caller; those that may be null say so.
struct JointResult {
    double* rotation = nullptr;      // F x 9, row-major, head -> world
    double* translation = nullptr;   // F x 3
    bool* lost = nullptr;            // F, see JointModel
    double* coefficients = nullptr;  // F x P of the last linearisation, or null
    double* squares = nullptr;       // F x S, |rest|^2 / scale^2, 0 where missing, or null
    double* residual = nullptr;  // F, scene units, of rigid motion alone, robust as in alignFrames; or null
    // Mean squared displacement of the points by the head that the rest (0) and the expression (1) would
    // turn into, were their signs those of the waves: F x 2, or null.
    double* probes = nullptr;
};

// Generalised least squares with modified residuals (Huber 1981, Robust Statistics, section 7.8): what
// Student's weights hold back of an observation is put in its place by what is told, so that one
// factorisation serves all frames and rounds.
//
// Two products of a 3 S x P panel with 16 frames a round, in floats about the frame's first head (sums of 192
// terms go to doubles): an error of about 1e-6 of the radius. Const after construction, usable from many
// threads. The bits of the results depend neither on the number of threads, nor on the instruction set, nor
// on which frames are solved in one call.
class JointSolver {
  public:
    // Copies what it needs. Throws Error (invalidArgument) for counts and values out of range,
    // (numericalFailure) where weights and points leave the head undetermined.
    explicit JointSolver(const JointModel& model);
    ~JointSolver();
    JointSolver(JointSolver&&) noexcept;
    JointSolver& operator=(JointSolver&&) noexcept;

    std::int64_t vertices() const;
    std::int64_t fieldCount() const;

    // The posterior covariance of the coefficients under full weights, P x P, symmetric bit for bit.
    void spread(double* out) const;

    // Corrects heads.
    //   positions    F frames; a vertex with a coordinate that is not finite is missing
    //   index        S vertices of positions, those of the model
    //   rotation     F x 9, translation F x 3: heads nearby, head -> world
    void solve(const ConstFrames& positions, const std::int64_t* index, const double* rotation,
               const double* translation, const JointOptions& options, const JointResult& result) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace mien

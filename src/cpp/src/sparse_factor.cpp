#include "mien/sparse_factor.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mien/error.h"
#include "multifrontal.h"
#include "sparse_state.h"

namespace mien {
namespace {

[[noreturn]] void refuse(const std::string& message) {
    throw Error(Status::invalidArgument, message);
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

void requirePattern(const Symbolic& symbolic, const SparseMatrix& matrix) {
    const std::int64_t n = matrix.size;
    const bool same =
        n + 1 == static_cast<std::int64_t>(symbolic.givenStart.size()) &&
        std::equal(symbolic.givenStart.begin(), symbolic.givenStart.end(), matrix.columnStart) &&
        std::equal(symbolic.givenRows.begin(), symbolic.givenRows.end(), matrix.rows);
    if (!same)
        refuse("`matrix` must have the pattern that the factor was made for, got " + std::to_string(n) +
               " columns with " + std::to_string(matrix.columnStart[n]) +
               " entries that are not at the same places");
}

void requireFinite(const Symbolic& symbolic, const double* values) {
    const auto count = static_cast<std::int64_t>(symbolic.givenRows.size());
    double sum = 0;  // not finite as soon as one of them is not; and perhaps if they are large
    for (std::int64_t k = 0; k < count; ++k) sum += values[k] * 0;
    if (sum == 0) return;
    std::int64_t at = 0;
    while (at < count && std::isfinite(values[at])) ++at;
    if (at == count) return;
    const auto column = std::upper_bound(symbolic.givenStart.begin(), symbolic.givenStart.end(), at);
    refuse("`matrix` must have finite values, got " + number(values[at]) + " at row " +
           std::to_string(symbolic.givenRows[at]) + ", column " +
           std::to_string(column - symbolic.givenStart.begin() - 1));
}

// How far the two triangles may be apart, relative to the diagonal: sums in another order, nothing more.
constexpr double kSymmetric = 1e-8;

void gather(const Symbolic& symbolic, const double* values, double* diagonal, double* lower) {
    const Supernodes& nodes = symbolic.supernodes;
    requireFinite(symbolic, values);
    for (std::int32_t j = 0; j < nodes.size; ++j)
        diagonal[j] = symbolic.diagonal[j] < 0 ? 0 : values[symbolic.diagonal[j]];
    for (std::int32_t j = 0; j < nodes.size; ++j)
        for (std::int64_t k = symbolic.columnStart[j]; k < symbolic.columnStart[j + 1]; ++k) {
            const std::int32_t below = symbolic.below[k], above = symbolic.above[k];
            if (!symbolic.bothTriangles) {
                lower[k] = values[std::max(below, above)];
                continue;
            }
            const double a = below < 0 ? 0 : values[below], b = above < 0 ? 0 : values[above];
            lower[k] = below < 0 ? b : a;
            if (a == b) continue;
            const std::int32_t i = symbolic.rows[k];
            if (std::fabs(a - b) <= kSymmetric * std::sqrt(std::fabs(diagonal[j]) * std::fabs(diagonal[i])))
                continue;
            const std::int32_t p = nodes.permutation[i], q = nodes.permutation[j];
            refuse("`matrix` must be symmetric or one triangle, got " + number(a) + " at row " +
                   std::to_string(std::max(p, q)) + ", column " + std::to_string(std::min(p, q)) + " and " +
                   number(b) + " across the diagonal");
        }
}

// Factors what `diagonal` and `lower` of the state hold.
void run(SparseFactor::State* state) {
    const Symbolic& symbolic = *state->symbolic;
    const std::size_t item = state->storage == Scalar::float32 ? sizeof(float) : sizeof(double);
    void* values = state->values.reserve(static_cast<std::size_t>(state->pattern().panelStart.back()) * item);
    const std::int32_t bad = factorise(symbolic, state->diagonal.data(), state->lower.data(), state->storage,
                                       values, &state->workspace);
    if (bad < 0) return;
    throw Error(Status::numericalFailure, "`matrix` must be positive definite, and is not at row " +
                                              std::to_string(state->pattern().permutation[bad]) +
                                              " (diagonal entry " + number(state->diagonal[bad]) + ")");
}

std::unique_ptr<SparseFactor::State> build(const SparseMatrix& matrix,
                                           std::shared_ptr<const Symbolic> symbolic,
                                           const FactorOptions& options) {
    auto state = std::make_unique<SparseFactor::State>();
    state->storage = options.storage;
    state->symbolic = std::move(symbolic);
    state->diagonal.resize(static_cast<std::size_t>(state->pattern().size));
    state->lower.resize(state->symbolic->rows.size());
    gather(*state->symbolic, matrix.values, state->diagonal.data(), state->lower.data());
    run(state.get());
    return state;
}

}  // namespace

SparseFactor::SparseFactor(const SparseMatrix& matrix, const double* positions, const FactorOptions& options)
    : state_(
          build(matrix, std::make_shared<Symbolic>(analyse(matrix, positions, options.ordering)), options)) {}

SparseFactor::SparseFactor(const SparseMatrix& matrix, const SparseFactor& pattern,
                           const FactorOptions& options) {
    requirePattern(*pattern.state_->symbolic, matrix);
    state_ = build(matrix, pattern.state_->symbolic, options);
}

SparseFactor::SparseFactor(SparseFactor&&) noexcept = default;
SparseFactor& SparseFactor::operator=(SparseFactor&&) noexcept = default;
SparseFactor::~SparseFactor() = default;

void SparseFactor::refactor(const SparseMatrix& matrix) {
    requirePattern(*state_->symbolic, matrix);
    refactor(matrix.values);
}

void SparseFactor::refactor(const double* values) {
    std::vector<double> diagonal(state_->diagonal.size()), lower(state_->lower.size());
    gather(*state_->symbolic, values, diagonal.data(), lower.data());
    state_->diagonal.swap(diagonal);
    state_->lower.swap(lower);
    try {
        run(state_.get());
    } catch (...) {
        // The panels are gone; the matrix that they came from is not, and gives the same bits again.
        state_->diagonal.swap(diagonal);
        state_->lower.swap(lower);
        run(state_.get());
        throw;
    }
}

std::int64_t SparseFactor::size() const {
    return state_->pattern().size;
}
Scalar SparseFactor::storage() const {
    return state_->storage;
}
std::int64_t SparseFactor::nonZeros() const {
    return state_->symbolic->nonZeros;
}
std::int64_t SparseFactor::storedValues() const {
    return state_->pattern().panelStart.back();
}
double SparseFactor::flops() const {
    return state_->symbolic->flops;
}
std::int64_t SparseFactor::memory() const {
    return static_cast<std::int64_t>(state_->values.bytes() + state_->workspace.bytes() +
                                     sizeof(double) * (state_->diagonal.size() + state_->lower.size())) +
           state_->symbolic->memory();
}
const std::int32_t* SparseFactor::permutation() const {
    return state_->pattern().permutation.data();
}

}  // namespace mien

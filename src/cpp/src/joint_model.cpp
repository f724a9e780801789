#include "joint_model.h"

#include <algorithm>
#include <cmath>

#include "mien/dense.h"
#include "mien/error.h"

namespace mien {
namespace {

// Radii, 70 mm each on a face: farther than faces move.
constexpr float kReach = 1.0F;

using Matrix = std::vector<double>;  // row-major

std::int64_t roundUp(std::int64_t count, std::int64_t to) {
    return (count + to - 1) / to * to;
}

Matrix times(const Matrix& left, const Matrix& right, std::int64_t rows, std::int64_t depth,
             std::int64_t columns) {
    Matrix out(static_cast<std::size_t>(rows * columns));
    multiplyMatrices(left.data(), right.data(), rows, depth, columns, out.data());
    return out;
}

Matrix transposed(const Matrix& from, std::int64_t rows, std::int64_t columns) {
    Matrix out(from.size());
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) out[c * rows + r] = from[r * columns + c];
    return out;
}

Matrix inverseOf(Matrix a, std::int64_t n) {
    Matrix out(a.size(), 0.0);
    for (std::int64_t i = 0; i < n; ++i) out[i * n + i] = 1;
    if (!solvePositive(a.data(), n, out.data(), n))
        throw Error(
            Status::numericalFailure,
            "weights and points leave the head undetermined: expected vertices of weight above 0 that "
            "do not lie on a line");
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < i; ++j) out[j * n + i] = out[i * n + j];
    return out;
}

// Rows of a matrix as tiles of kJointRows of them, column by column.
AlignedVector<float> packRows(const double* from, std::int64_t rows, std::int64_t columns,
                              std::int64_t padded) {
    AlignedVector<float> out(static_cast<std::size_t>(padded * columns), 0.0F);
    for (std::int64_t r = 0; r < rows; ++r) {
        float* to = out.data() + r / kJointRows * columns * kJointRows + r % kJointRows;
        for (std::int64_t k = 0; k < columns; ++k)
            to[k * kJointRows] = static_cast<float>(from[r * columns + k]);
    }
    return out;
}

// Columns of a matrix of 3 rows a vertex as such tiles, block of vertices by block.
AlignedVector<float> packColumns(const JointPanels& panels, const Matrix& from, std::int64_t columns,
                                 std::int64_t padded) {
    AlignedVector<float> out(static_cast<std::size_t>(3 * panels.padded * padded), 0.0F);
    float* to = out.data();
    for (std::int64_t v = 0; v < panels.padded; v += kJointBlock) {
        const std::int64_t depth = panels.blockRows(v);
        const std::int64_t rows = std::min(depth, 3 * (panels.vertices - v));
        for (std::int64_t tile = 0; tile < columns; tile += kJointRows) {
            const std::int64_t width = std::min<std::int64_t>(kJointRows, columns - tile);
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t c = 0; c < width; ++c)
                    to[tile * depth + r * kJointRows + c] =
                        static_cast<float>(from[(3 * v + r) * columns + tile + c]);
        }
        to += depth * padded;
    }
    return out;
}

void check(const JointModel& model) {
    const std::int64_t s = model.vertices, p = model.fieldCount;
    bool good = s >= 3 && p >= 6 && model.waves >= 0 && (model.signs || model.waves == 0) &&
                std::isfinite(model.radius) && model.radius > 0 && model.freedom > 0 && model.lost > 0;
    const auto finite = [](const double* from, std::int64_t count) {
        return std::all_of(from, from + count, [](double x) { return std::isfinite(x); });
    };
    good = good && finite(model.points, 3 * s) && finite(model.fields, 3 * s * p) &&
           finite(model.weights, s) && finite(model.precision, p) && finite(model.scale, s) &&
           finite(model.centre, 3) && (model.waves == 0 || finite(model.signs, model.waves * s));
    for (std::int64_t v = 0; good && v < s; ++v) good = model.weights[v] >= 0 && model.scale[v] > 0;
    for (std::int64_t k = 0; good && k < p; ++k) good = model.precision[k] >= 0;
    if (!good) throw Error(Status::invalidArgument, "the model's counts or values are out of range");
}

// 3 S x 6 waves: what a probe makes of a displacement, by the rigid part of the gain.
Matrix probesOf(const JointModel& model, const Matrix& gain) {
    const std::int64_t p = model.fieldCount, width = 6 * model.waves;
    Matrix out(static_cast<std::size_t>(3 * model.vertices * width));
    for (std::int64_t r = 0; r < 3 * model.vertices; ++r)
        for (std::int64_t w = 0; w < model.waves; ++w)
            for (int i = 0; i < 6; ++i)
                out[r * width + 6 * w + i] = model.signs[w * model.vertices + r / 3] * gain[r * p + i];
    return out;
}

}  // namespace

JointPanels::JointPanels(const JointModel& model) {
    check(model);
    vertices = model.vertices;
    padded = roundUp(vertices, kJointRows / 3);
    fieldCount = model.fieldCount;
    columns = roundUp(fieldCount, kJointRows);
    waves = model.waves;
    probes = roundUp(6 * waves, kJointRows);
    radius = model.radius;
    freedom = static_cast<float>(model.freedom);
    lost = static_cast<float>(model.lost);
    std::copy_n(model.centre, 3, centre);
    weights.assign(model.weights, model.weights + vertices);
    ones.assign(static_cast<std::size_t>(padded), 1.0F);
    believed.assign(static_cast<std::size_t>(padded), kJointBelieved * kJointBelieved / (kReach * kReach));
    const std::int64_t p = fieldCount, rows = 3 * vertices;

    points.assign(static_cast<std::size_t>(3 * padded), 0.0F);
    inverse.assign(static_cast<std::size_t>(padded), 0.0F);
    for (std::int64_t r = 0; r < rows; ++r)
        points[r] = static_cast<float>((model.points[r] - centre[r % 3]) / radius);
    for (std::int64_t v = 0; v < vertices; ++v) {
        const double relative = radius / model.scale[v];
        inverse[v] = static_cast<float>(relative * relative);
    }
    Matrix all(model.fields, model.fields + rows * p), weighted(all.size());
    for (std::int64_t r = 0; r < rows; ++r) {
        const double scale = model.scale[r / 3], w = model.weights[r / 3] / (scale * scale);
        for (std::int64_t k = 0; k < p; ++k) weighted[r * p + k] = w * all[r * p + k];
    }
    Matrix normal = times(transposed(weighted, rows, p), all, p, rows, p);
    for (std::int64_t i = 0; i < p; ++i) {
        for (std::int64_t j = 0; j < i; ++j) normal[i * p + j] = normal[j * p + i];
        normal[i * p + i] += model.precision[i];
    }
    spread = inverseOf(normal, p);
    const Matrix gains = times(weighted, spread, rows, p, p);
    const Matrix probing = probesOf(model, gains);
    fields = packRows(all.data(), rows, p, 3 * padded);
    gain = packColumns(*this, gains, p, columns);
    probe = packColumns(*this, probing, 6 * waves, probes);
    Matrix holding(spread);
    for (std::int64_t i = 0; i < p; ++i)
        for (std::int64_t j = 0; j < p; ++j) holding[i * p + j] *= model.precision[j];
    held = packRows(holding.data(), p, p, columns);
    told = times(transposed(probing, rows, 6 * waves), all, 6 * waves, rows, p);
    std::fill_n(metric, 36, 0.0);
    for (std::int64_t r = 0; r < rows; ++r)
        for (int i = 0; i < 36; ++i) metric[i] += all[r * p + i / 6] * all[r * p + i % 6];
    for (double& m : metric) m /= static_cast<double>(vertices);
}

}  // namespace mien

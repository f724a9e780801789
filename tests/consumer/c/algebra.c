/* Laplacian, sparse factor, bounded weights. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

enum {
    kSide = 12,
    kVertices = kSide * kSide,
    kTriangles = 2 * (kSide - 1) * (kSide - 1),
    kMost = 8 * kVertices
};

static float grid[kVertices][4];
static int32_t triangles[kTriangles][3];

static mien_points grid_points(void) {
    mien_points view = {0};
    view.data = grid, view.scalar = MIEN_FLOAT32, view.frames = 1, view.vertices = kVertices;
    view.vertex_stride = sizeof grid[0];
    return view;
}

/* Unit squares, each cut in two. */
static void make_grid(void) {
    int i, j, t = 0;
    for (i = 0; i < kSide; ++i)
        for (j = 0; j < kSide; ++j) grid[kSide * i + j][0] = (float)j, grid[kSide * i + j][1] = (float)i;
    for (i = 0; i + 1 < kSide; ++i)
        for (j = 0; j + 1 < kSide; ++j) {
            const int32_t a = kSide * i + j, b = a + 1, c = a + kSide, d = c + 1;
            const int32_t two[2][3] = {{a, b, d}, {a, d, c}};
            memcpy(triangles[t], two, sizeof two);
            t += 2;
        }
}

static double entry(const mien_laplacian* l, const double* values, int32_t row, int32_t column) {
    const int64_t* start = mien_laplacian_column_start(l);
    const int32_t* rows = mien_laplacian_rows(l);
    int64_t k;
    for (k = start[column]; k < start[column + 1]; ++k)
        if (rows[k] == row) return values[k];
    return 0;
}

/* A function that is linear has the same gradient on every triangle. */
static void test_gradient(const mien_laplacian* l) {
    static double values[9 * kTriangles], along[3 * kTriangles];
    static int32_t rows[9 * kTriangles];
    const mien_points points = grid_points();
    int64_t start[kVertices + 1], k;
    double most = 0;
    mien_error error;
    int v, i;
    CHECK(mien_laplacian_gradient_non_zeros(l) == 9 * kTriangles &&
          mien_laplacian_gradient_non_zeros(NULL) == 0);
    CHECK(mien_laplacian_gradient_pattern(l, start, rows, &error) == MIEN_OK);
    CHECK(start[0] == 0 && start[kVertices] == 9 * kTriangles);
    CHECK(mien_laplacian_gradient(l, &points, values, NULL, &error) == MIEN_OK);
    memset(along, 0, sizeof along);
    for (v = 0; v < kVertices; ++v) /* of the function 2 x - 3 y */
        for (k = start[v]; k < start[v + 1]; ++k)
            along[rows[k]] += values[k] * (2 * grid[v][0] - 3 * grid[v][1]);
    for (i = 0; i < kTriangles; ++i)
        most = fmax(most, fabs(along[3 * i] - 2) + fabs(along[3 * i + 1] + 3) + fabs(along[3 * i + 2]));
    NEAR(most, 0, 1e-12);
    REFUSED(mien_laplacian_gradient_pattern(l, NULL, rows, &error), MIEN_INVALID_ARGUMENT, "`column_start`");
    REFUSED(mien_laplacian_gradient_pattern(l, start, NULL, &error), MIEN_INVALID_ARGUMENT, "`rows`");
    REFUSED(mien_laplacian_gradient(l, &points, NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`values`");
    REFUSED(mien_laplacian_gradient(NULL, &points, values, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`laplacian`");
}

/* On right triangles the Laplacian is the five-point stencil; diagonals of squares have cotangent 0. */
static void test_laplacian(void) {
    const int32_t middle = kSide * 5 + 5;
    const mien_points points = grid_points();
    mien_points far = points;
    mien_laplacian* l = NULL;
    double values[kMost], mass[kVertices], sum = 0;
    mien_error error;
    int v;
    CHECK(mien_laplacian_create(triangles[0], kTriangles, kVertices, &l, NULL, &error) == MIEN_OK && l);
    CHECK(mien_laplacian_non_zeros(l) <= kMost);
    CHECK(mien_laplacian_cotangent(l, &points, values, NULL, &error) == MIEN_OK);
    NEAR(entry(l, values, middle, middle), 4, 1e-12);
    NEAR(entry(l, values, middle + 1, middle), -1, 1e-12);
    NEAR(entry(l, values, middle + kSide + 1, middle), 0, 1e-12);
    NEAR(entry(l, values, 0, 0), 1, 1e-12);
    NEAR(entry(l, values, 1, 0), -0.5, 1e-12);
    CHECK(mien_laplacian_uniform(l, values, NULL, &error) == MIEN_OK);
    CHECK(entry(l, values, middle, middle) == 6 && entry(l, values, middle + 1, middle) == -1);
    CHECK(mien_laplacian_mass(l, &points, MIEN_MASS_VORONOI, mass, NULL, &error) == MIEN_OK);
    NEAR(mass[middle], 1, 1e-12);
    NEAR(mass[0], 0.25, 1e-12);
    CHECK(mien_laplacian_mass(l, &points, MIEN_MASS_BARYCENTRIC, mass, NULL, &error) == MIEN_OK);
    for (v = 0; v < kVertices; ++v) sum += mass[v];
    NEAR(sum, (kSide - 1.0) * (kSide - 1.0), 1e-9);
    NEAR(mass[0], 1 / 3.0, 1e-12);
    test_gradient(l);

    REFUSED(mien_laplacian_mass(l, &points, 5, mass, NULL, &error), MIEN_INVALID_ARGUMENT, "`kind`");
    REFUSED(mien_laplacian_cotangent(NULL, &points, values, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`laplacian`");
    REFUSED(mien_laplacian_cotangent(l, &points, NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`values`");
    far.vertices = 3;
    REFUSED(mien_laplacian_cotangent(l, &far, values, NULL, &error), MIEN_INVALID_ARGUMENT, "144, got 3");
    grid[7][1] = (float)NAN;
    REFUSED(mien_laplacian_cotangent(l, &points, values, NULL, &error), MIEN_INVALID_ARGUMENT, "vertex 7");
    CHECK(error.vertex == 7);
    make_grid();
    mien_laplacian_destroy(l);
    mien_laplacian_destroy(NULL);
    CHECK(mien_laplacian_non_zeros(NULL) == 0 && mien_laplacian_rows(NULL) == NULL &&
          mien_laplacian_column_start(NULL) == NULL);
    l = (mien_laplacian*)&error;
    REFUSED(mien_laplacian_create(triangles[0], kTriangles, 5, &l, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`triangles` must be in [0, 5)");
    CHECK(l == NULL);
    REFUSED(mien_laplacian_create(NULL, 1, 5, &l, NULL, &error), MIEN_INVALID_ARGUMENT, "`triangles`");
    REFUSED(mien_laplacian_create(triangles[0], -1, 5, &l, NULL, &error), MIEN_INVALID_ARGUMENT, "got -1");
}

/* L + shift on the diagonal. */
static mien_laplacian* make_matrix(double shift, double* values, mien_sparse_matrix* matrix) {
    const mien_points points = grid_points();
    mien_laplacian* l = NULL;
    const int64_t* start;
    const int32_t* rows;
    int64_t k;
    int32_t v;
    CHECK(mien_laplacian_create(triangles[0], kTriangles, kVertices, &l, NULL, NULL) == MIEN_OK);
    CHECK(mien_laplacian_cotangent(l, &points, values, NULL, NULL) == MIEN_OK);
    start = mien_laplacian_column_start(l), rows = mien_laplacian_rows(l);
    for (v = 0; v < kVertices; ++v)
        for (k = start[v]; k < start[v + 1]; ++k)
            if (rows[k] == v) values[k] += shift;
    matrix->size = kVertices, matrix->column_start = start, matrix->rows = rows, matrix->values = values;
    return l;
}

static void multiply(const mien_sparse_matrix* a, const double* x, double* y) {
    int64_t j, k;
    for (j = 0; j < a->size; ++j) y[j] = 0;
    for (j = 0; j < a->size; ++j)
        for (k = a->column_start[j]; k < a->column_start[j + 1]; ++k) y[a->rows[k]] += a->values[k] * x[j];
}

static void test_factor(void) {
    const mien_points points = grid_points();
    double values[kMost], x[kVertices], b[kVertices], many[2][kVertices][3];
    mien_sparse_matrix matrix = {0};
    mien_laplacian* l = make_matrix(0.5, values, &matrix);
    mien_factor* factor = NULL;
    mien_factor_options options = {0};
    mien_solve_options refine = {0};
    mien_solve_report report;
    mien_columns rhs = {0}, out, wide = {0};
    mien_error error;
    int v, f, c, way;
    double most = 0;
    rhs.data = b, rhs.scalar = MIEN_FLOAT64, rhs.frames = rhs.columns = 1, rhs.rows = kVertices;
    for (way = 0; way < 3; ++way) { /* by positions; in float32, refined; after another matrix */
        options.single = way == 1;
        refine.tolerance = way == 1 ? 1e-13 : 0;
        CHECK(mien_factor_create(&matrix, way == 2 ? NULL : &points, &options, &factor, NULL, &error) ==
              MIEN_OK);
        CHECK(mien_factor_size(factor) == kVertices && mien_factor_non_zeros(factor) >= kVertices &&
              mien_factor_memory(factor) > 0);
        if (way == 2) {
            for (v = 0; v < matrix.column_start[kVertices]; ++v) values[v] *= 3;
            CHECK(mien_factor_refactor(factor, &matrix, NULL, &error) == MIEN_OK);
        }
        for (v = 0; v < kVertices; ++v) x[v] = sin(0.7 * v);
        multiply(&matrix, x, b);
        CHECK(mien_factor_solve(factor, &rhs, &rhs, &refine, &report, NULL, &error) == MIEN_OK);
        for (v = 0, most = 0; v < kVertices; ++v) most = fmax(most, fabs(b[v] - x[v]));
        NEAR(most, 0, 1e-12);
        CHECK(way == 1 ? report.refinements > 0 && report.residual <= 1e-13 : report.refinements == 0);
        if (way < 2) mien_factor_destroy(factor);
    }

    wide.data = many, wide.scalar = MIEN_FLOAT64, wide.frames = 2, wide.rows = kVertices, wide.columns = 3;
    for (v = 0; v < kVertices; ++v) x[v] = cos(0.3 * v);
    multiply(&matrix, x, b);
    for (f = 0; f < 2; ++f)
        for (v = 0; v < kVertices; ++v)
            for (c = 0; c < 3; ++c) many[f][v][c] = (3 * f + c + 1) * b[v];
    CHECK(mien_factor_solve(factor, &wide, &wide, NULL, NULL, NULL, &error) == MIEN_OK);
    for (f = 0; f < 2; ++f)
        for (c = 0; c < 3; ++c) NEAR(many[f][100][c], (3 * f + c + 1) * x[100], 1e-11);

    many[1][9][2] = NAN;
    REFUSED(mien_factor_solve(factor, &wide, &wide, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frame 1, vertex 9");
    out = rhs, out.rows = 7;
    REFUSED(mien_factor_solve(factor, &rhs, &out, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "144 rows");
    REFUSED(mien_factor_solve(NULL, &rhs, &rhs, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`factor`");
    REFUSED(mien_factor_solve(factor, NULL, &rhs, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`rhs`");
    refine.refine = -1;
    REFUSED(mien_factor_solve(factor, &rhs, &rhs, &refine, NULL, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`refine`");
    values[0] = -1; /* row 0 */
    REFUSED(mien_factor_refactor(factor, &matrix, NULL, &error), MIEN_NUMERICAL_FAILURE, "positive definite");
    memcpy(b, x, sizeof b);
    CHECK(mien_factor_solve(factor, &rhs, &rhs, NULL, NULL, NULL, &error) == MIEN_OK); /* as it was */
    mien_factor_destroy(factor);
    mien_factor_destroy(NULL);
    CHECK(mien_factor_size(NULL) == 0);
    mien_laplacian_destroy(l);
}

static void test_factor_refused(void) {
    const int64_t start[3] = {0, 1, 2}, falling[3] = {0, 2, 1};
    const int32_t rows[2] = {0, 1}, outside[2] = {0, 2};
    const double values[2] = {4, 9}, bad[2] = {4, NAN};
    mien_sparse_matrix good = {0}, matrix;
    mien_factor_options options = {0};
    mien_factor* factor = NULL;
    mien_error error;
    good.size = 2, good.column_start = start, good.rows = rows, good.values = values;
    CHECK(mien_factor_create(&good, NULL, NULL, &factor, NULL, &error) == MIEN_OK);
    mien_factor_destroy(factor);
    matrix = good, matrix.size = 0;
    REFUSED(mien_factor_create(&matrix, NULL, NULL, &factor, NULL, &error), MIEN_INVALID_ARGUMENT, "got 0");
    CHECK(factor == NULL);
    matrix = good, matrix.rows = NULL;
    REFUSED(mien_factor_create(&matrix, NULL, NULL, &factor, NULL, &error), MIEN_INVALID_ARGUMENT, "null");
    matrix = good, matrix.column_start = falling;
    REFUSED(mien_factor_create(&matrix, NULL, NULL, &factor, NULL, &error), MIEN_INVALID_ARGUMENT,
            "ascending");
    matrix = good, matrix.rows = outside;
    REFUSED(mien_factor_create(&matrix, NULL, NULL, &factor, NULL, &error), MIEN_INVALID_ARGUMENT, "got 2");
    matrix = good, matrix.values = bad;
    REFUSED(mien_factor_create(&matrix, NULL, NULL, &factor, NULL, &error), MIEN_INVALID_ARGUMENT, "finite");
    options.ordering = MIEN_ORDER_GEOMETRIC;
    REFUSED(mien_factor_create(&good, NULL, &options, &factor, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`positions`");
    options.ordering = 8;
    REFUSED(mien_factor_create(&good, NULL, &options, &factor, NULL, &error), MIEN_INVALID_ARGUMENT,
            "`ordering`");
    REFUSED(mien_factor_create(&good, NULL, NULL, NULL, NULL, &error), MIEN_INVALID_ARGUMENT, "`factor`");
}

/* G = [2 1; 1 2], b = (3, 0): without bounds w = (2, -1); in [0, 1] it is (1, 0), in [0, 3] (1.5, 0). */
static void test_weights(void) {
    const double gram[4] = {2, 1, 1, 2}, rhs[2][2] = {{3, 0}, {1, 1}}, upper[2] = {3, 3}, lower[2] = {4, 0};
    const double bad[2] = {1, INFINITY}, indefinite[4] = {1, 2, 2, 1};
    double weights[2][2], residual[2];
    int32_t pivots[2];
    mien_weights_result result;
    mien_weights_solver* solver = NULL;
    mien_error error;
    result.weights = weights[0], result.residual = residual, result.pivots = pivots;
    CHECK(mien_weights_create(gram, 2, NULL, NULL, &solver, NULL, &error) == MIEN_OK);
    CHECK(mien_weights_size(solver) == 2 && mien_weights_ridge(solver) == 0);
    CHECK(mien_weights_solve(solver, rhs[0], 2, &result, NULL, &error) == MIEN_OK);
    NEAR(weights[0][0], 1, 1e-12);
    NEAR(weights[0][1], 0, 1e-12);
    NEAR(weights[1][0], 1 / 3.0, 1e-12);
    NEAR(weights[1][1], 1 / 3.0, 1e-12);
    NEAR(residual[0], 0, 1e-9);
    result.residual = NULL, result.pivots = NULL;
    /* So smooth that both frames are one: G w = (2, 1/2), w = (7/6, -1/3) without bounds, (1, 0) within. */
    CHECK(mien_weights_solve_smooth(solver, rhs[0], 2, 1e7, &result, NULL, &error) == MIEN_OK);
    NEAR(weights[0][0], 1, 1e-6);
    NEAR(weights[1][0], 1, 1e-6);
    NEAR(weights[1][1], 0, 1e-6);
    REFUSED(mien_weights_solve_smooth(solver, rhs[0], 2, 0, &result, NULL, &error), MIEN_INVALID_ARGUMENT,
            "smoothness");
    REFUSED(mien_weights_solve(solver, bad, 1, &result, NULL, &error), MIEN_INVALID_ARGUMENT,
            "frame 0, weight 1");
    REFUSED(mien_weights_solve(solver, NULL, 1, &result, NULL, &error), MIEN_INVALID_ARGUMENT, "`rhs`");
    REFUSED(mien_weights_solve(NULL, rhs[0], 1, &result, NULL, &error), MIEN_INVALID_ARGUMENT, "`solver`");
    result.weights = NULL;
    REFUSED(mien_weights_solve(solver, rhs[0], 1, &result, NULL, &error), MIEN_INVALID_ARGUMENT, "weights");
    mien_weights_destroy(solver);
    mien_weights_destroy(NULL);
    CHECK(mien_weights_create(gram, 2, NULL, upper, &solver, NULL, &error) == MIEN_OK);
    result.weights = weights[0];
    CHECK(mien_weights_solve(solver, rhs[0], 1, &result, NULL, &error) == MIEN_OK);
    NEAR(weights[0][0], 1.5, 1e-12);
    mien_weights_destroy(solver);
    REFUSED(mien_weights_create(gram, 2, lower, upper, &solver, NULL, &error), MIEN_INVALID_ARGUMENT,
            "variable 0");
    CHECK(solver == NULL);
    REFUSED(mien_weights_create(indefinite, 2, NULL, NULL, &solver, NULL, &error), MIEN_NUMERICAL_FAILURE,
            "semi-definite");
    REFUSED(mien_weights_create(gram, 0, NULL, NULL, &solver, NULL, &error), MIEN_INVALID_ARGUMENT, "`size`");
    REFUSED(mien_weights_create(NULL, 2, NULL, NULL, &solver, NULL, &error), MIEN_INVALID_ARGUMENT, "`gram`");
}

void test_algebra(void) {
    make_grid();
    test_laplacian();
    test_factor();
    test_factor_refused();
    test_weights();
}

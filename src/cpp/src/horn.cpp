#include "horn.h"

#include <algorithm>
#include <cmath>

namespace mien {
namespace {

// Cyclic Jacobi for small symmetric matrices (Golub, Van Loan, Matrix Computations, 8.5): a becomes diagonal,
// the columns of `vectors` its eigenvectors. Stops when a sweep finds nothing above rounding.
template <int n>
void jacobi(double (&a)[n][n], double (&vectors)[n][n]) {
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) vectors[i][j] = i == j;
    constexpr int kMaxSweeps = 30;  // quadratic convergence needs about 6
    for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
        bool rotated = false;
        for (int p = 0; p < n - 1; ++p) {
            for (int q = p + 1; q < n; ++q) {
                const double off = a[p][q];
                const double small = 1e-17 * (std::fabs(a[p][p]) + std::fabs(a[q][q]));
                if (std::fabs(off) <= small) {
                    a[p][q] = a[q][p] = 0;
                    continue;
                }
                rotated = true;
                const double theta = (a[q][q] - a[p][p]) / (2 * off);
                const double t = (theta < 0 ? -1.0 : 1.0) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; ++k) {
                    const double kp = a[k][p], kq = a[k][q];
                    a[k][p] = c * kp - s * kq;
                    a[k][q] = s * kp + c * kq;
                }
                for (int k = 0; k < n; ++k) {
                    const double pk = a[p][k], qk = a[q][k];
                    a[p][k] = c * pk - s * qk;
                    a[q][k] = s * pk + c * qk;
                }
                a[p][q] = a[q][p] = 0;
                for (int k = 0; k < n; ++k) {
                    const double kp = vectors[k][p], kq = vectors[k][q];
                    vectors[k][p] = c * kp - s * kq;
                    vectors[k][q] = s * kp + c * kq;
                }
            }
        }
        if (!rotated) return;
    }
}

void rotationOf(double w, double x, double y, double z, double (&r)[9]) {
    const double length = std::sqrt((w * w + x * x) + (y * y + z * z));
    w /= length, x /= length, y /= length, z /= length;
    r[0] = 1 - 2 * (y * y + z * z), r[1] = 2 * (x * y - w * z), r[2] = 2 * (x * z + w * y);
    r[3] = 2 * (x * y + w * z), r[4] = 1 - 2 * (x * x + z * z), r[5] = 2 * (y * z - w * x);
    r[6] = 2 * (x * z - w * y), r[7] = 2 * (y * z + w * x), r[8] = 1 - 2 * (x * x + y * y);
}

}  // namespace

RotationFit fitRotation(const double c[9]) {
    const double xx = c[0], xy = c[1], xz = c[2], yx = c[3], yy = c[4], yz = c[5], zx = c[6], zy = c[7],
                 zz = c[8];
    double n[4][4] = {{(xx + yy) + zz, yz - zy, zx - xz, xy - yx},
                      {yz - zy, (xx - yy) - zz, xy + yx, zx + xz},
                      {zx - xz, xy + yx, (yy - xx) - zz, yz + zy},
                      {xy - yx, zx + xz, yz + zy, (zz - xx) - yy}};
    double v[4][4];
    jacobi(n, v);
    int best = 0;
    for (int i = 1; i < 4; ++i)
        if (n[i][i] > n[best][best]) best = i;
    double second = -INFINITY;
    for (int i = 0; i < 4; ++i)
        if (i != best) second = std::max(second, n[i][i]);
    RotationFit fit;
    rotationOf(v[0][best], v[1][best], v[2][best], v[3][best], fit.rotation);
    fit.largest = n[best][best];
    fit.gap = n[best][best] - second;
    return fit;
}

void symmetricEigenvalues3(const double m[6], double values[3]) {
    double a[3][3] = {{m[0], m[1], m[2]}, {m[1], m[3], m[4]}, {m[2], m[4], m[5]}};
    double v[3][3];
    jacobi(a, v);
    for (int i = 0; i < 3; ++i) values[i] = a[i][i];
    std::sort(values, values + 3);
}

}  // namespace mien

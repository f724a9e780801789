// The rotation that fits a cross-covariance best, by Horn's quaternion.
#pragma once

namespace mien {

struct RotationFit {
    double rotation[9];  // row-major, determinant +1
    double largest;      // largest eigenvalue of Horn's matrix = trace(R^T C^T)
    double gap;          // distance to the second largest; 0 when the rotation is not determined
};

// Maximises sum_ij R[j][i] C[i][j] over rotations, where C[i][j] = sum w q_i p_j: the best R with p ~ R q.
// Flat (rank two) and mirrored data need no special case (Horn 1987, Closed-form solution of absolute
// orientation using unit quaternions).
RotationFit fitRotation(const double crossCovariance[9]);

// Eigenvalues of a symmetric 3 x 3 matrix given as xx, xy, xz, yy, yz, zz; ascending.
void symmetricEigenvalues3(const double matrix[6], double values[3]);

}  // namespace mien

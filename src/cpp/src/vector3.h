// Three doubles and what is done with them; sums in the written order.
#pragma once

#include <cmath>

namespace mien {

struct Vector3 {
    double x = 0, y = 0, z = 0;
};

inline Vector3 operator+(const Vector3& a, const Vector3& b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vector3 operator-(const Vector3& a, const Vector3& b) {
    return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vector3 operator*(double s, const Vector3& a) {
    return {s * a.x, s * a.y, s * a.z};
}
inline double dot(const Vector3& a, const Vector3& b) {
    return (a.x * b.x + a.y * b.y) + a.z * b.z;
}
inline Vector3 cross(const Vector3& a, const Vector3& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline bool isFinite(const Vector3& a) {
    return std::isfinite(a.x) && std::isfinite(a.y) && std::isfinite(a.z);
}
inline Vector3 unitOf(const Vector3& a) {
    const double length = std::sqrt(dot(a, a));
    return (1.0 / (length > 1e-300 ? length : 1e-300)) * a;
}

}  // namespace mien

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace mien {
void bindRuntime(py::module_& module);
void bindDraw(py::module_& module);
void bindRigid(py::module_& module);
void bindRig(py::module_& module);
void bindObj(py::module_& module);
void bindAlignment(py::module_& module);
void bindGeodesic(py::module_& module);
void bindEditing(py::module_& module);
void bindArapDeformer(py::module_& module);
void bindTransfer(py::module_& module);
void bindSkinning(py::module_& module);
void bindBarycentric(py::module_& module);
void bindSparseFactor(py::module_& module);
void bindLaplacian(py::module_& module);
void bindBoundedLeastSquares(py::module_& module);
void bindShapeProjection(py::module_& module);
void bindLaplacianDeformer(py::module_& module);
void bindNearest(py::module_& module);
void bindDense(py::module_& module);
void bindJoint(py::module_& module);
void bindContact(py::module_& module);
void bindPath(py::module_& module);
}  // namespace mien

PYBIND11_MODULE(_core, module) {
    module.doc() = "The compiled core of mien. Arguments are checked by the Python package; use that.";
    mien::bindRuntime(module);
    mien::bindDraw(module);
    mien::bindRigid(module);
    mien::bindRig(module);
    mien::bindObj(module);
    mien::bindAlignment(module);
    mien::bindGeodesic(module);
    mien::bindEditing(module);
    mien::bindArapDeformer(module);
    mien::bindTransfer(module);
    mien::bindSkinning(module);
    mien::bindBarycentric(module);
    mien::bindSparseFactor(module);
    mien::bindLaplacian(module);
    mien::bindBoundedLeastSquares(module);
    mien::bindShapeProjection(module);
    mien::bindLaplacianDeformer(module);
    mien::bindNearest(module);
    mien::bindDense(module);
    mien::bindJoint(module);
    mien::bindContact(module);
    mien::bindPath(module);
}

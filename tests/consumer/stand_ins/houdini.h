// What the example for Houdini names, and no more, so that a compiler can read it. Not Houdini's interface.
#pragma once

#include <mien/mien.h>

#include <vector>

enum OP_ERROR { UT_ERROR_NONE, UT_ERROR_ABORT };
enum { SOP_MESSAGE };
struct OP_Context {};
struct GA_Range {};
struct GA_Attribute;
struct GA_AIFTuple {
    bool getRange(const GA_Attribute* attribute, const GA_Range& range, float* out) const;
    bool setRange(GA_Attribute* attribute, const GA_Range& range, const float* in) const;
};
struct GA_Attribute {
    const GA_AIFTuple* getAIFTuple() const;
};
struct GU_Detail {
    GA_Attribute* getP();
    long long getNumPoints() const;
    GA_Range getPointRange() const;
};
struct SOP_Node {
    OP_ERROR error();
    void duplicateSource(int input, OP_Context& context);
    void addError(int code, const char* message);
    GU_Detail* gdp;
};
struct OP_AutoLockInputs {
    explicit OP_AutoLockInputs(SOP_Node* node);
    OP_ERROR lock(OP_Context& context);
};
struct SOP_Stabilise : SOP_Node {
    OP_ERROR cookMySop(OP_Context& context);
    mien_points reference_;
};

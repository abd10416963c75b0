// What the kernels compute, in plain loops. Not optimised, not clever, and nothing of the kernels' own code.
#pragma once

#include <vector>

#include "../../src/native/kernels/kernels.h"
#include "numbers.h"

namespace pefd::test {

long resultHeight(const Convolution &conv);
long resultWidth(const Convolution &conv);
long imageFloats(const Convolution &conv);
long filterFloats(const Convolution &conv);
long resultFloats(const Convolution &conv);

// A convolution and its gradients, in double precision.
std::vector<double> naiveForward(const Convolution &conv, const Floats &x, const Floats &filter);
std::vector<double> naiveInputGradient(const Convolution &conv, const Floats &filter, const Floats &dy);
std::vector<double> naiveFilterGradient(const Convolution &conv, const Floats &x, const Floats &dy);

// What follows a convolution, one operation after the other; null pointers are left out.
Floats naiveEpilogue(const Floats &result, long channels, const Epilogue &epilogue);

// One instruction on one element.
float naiveInstruction(long opcode, float a, float b);

}  // namespace pefd::test

// What the kernels compute, in plain loops. Not optimised, not clever, and nothing of the kernels' own code.
#pragma once

#include <vector>

#include "../../src/native/kernels/kernels.h"
#include "../../src/native/ops/resize.h"
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

// Each number rounded to bfloat16: to the nearest, to an even one where two are as near; what has no leading digit to zero.
void roundToBfloat16(Floats &numbers);

// What a view shows of an image of bytes, `width` pixels a row: all of the box resized across, then down, then the
// window of it, then the mirror image.
std::vector<unsigned char> naiveResize(const std::vector<unsigned char> &image, long width, const View &view);

// One instruction on one element.
float naiveInstruction(long opcode, float a, float b);

}  // namespace pefd::test

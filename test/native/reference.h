// Reference implementations in plain loops, sharing no code with the kernels.
#pragma once

#include <vector>

#include "../../src/native/kernels/kernels.h"
#include "../../src/native/ops/geometry.h"
#include "numbers.h"

namespace pefd::test {

long resultHeight(const Convolution &conv);
long resultWidth(const Convolution &conv);
long imageFloats(const Convolution &conv);
long filterFloats(const Convolution &conv);
long resultFloats(const Convolution &conv);

// A convolution, dgrad and wgrad in double precision.
std::vector<double> naiveForward(const Convolution &conv, const Floats &x, const Floats &filter);
std::vector<double> naiveInputGradient(const Convolution &conv, const Floats &filter, const Floats &dy);
std::vector<double> naiveFilterGradient(const Convolution &conv, const Floats &x, const Floats &dy);

// The epilogue as unfused ops.
Floats naiveEpilogue(const Floats &result, long channels, const Epilogue &epilogue);

// Rounds each number to nearest even; denormals become zero.
void roundToBfloat16(Floats &numbers);

// A view of an image, `width` pixels a row: the box resized horizontally, then vertically, then the window, then
// mirrored.
std::vector<unsigned char> naiveResize(const std::vector<unsigned char> &image, long width, const View &view);

float naiveInstruction(long opcode, float a, float b);

}  // namespace pefd::test

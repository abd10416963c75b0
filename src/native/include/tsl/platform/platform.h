// TensorFlow's kernels.h includes a file of this name for macros that tell platforms apart. Setup does not unpack it:
// the functions of a slim build are all that is needed here.
#pragma once
#define IS_SLIM_BUILD

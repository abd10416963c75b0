// What happened, for tests to look at: one line for each event in the file that PRETENDED_GPU_LOG names.
#pragma once

// Writes `KIND AMOUNT NAME`: kinds are context (the number of a GPU that is used, and its name), allocate, free, to-device, to-host, on-device, set (all in bytes), launch
// (with the kernel's name), load (a compiled program), graph (a launch of a recorded graph), nothing (the first call
// of a function that succeeds without doing anything) and wrong (a pointer of the wrong kind).
void tell(const char *kind, unsigned long amount, const char *name);

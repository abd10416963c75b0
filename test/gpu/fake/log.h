// What happened, for tests to look at: one line for each event in the file that PRETENDED_GPU_LOG names.
#pragma once

// Writes `KIND AMOUNT NAME`. Kinds: context (the number on the bus and the name of a GPU that is used), allocate, free,
// to-device, to-host, on-device and set (bytes), launch (the kernel's name), load (a compiled program), graph (a launch
// of a recorded graph), tf32 (1 where a library that is opened may compute in TF32), wrong (a pointer of the wrong
// kind), and nothing (the first call of a function that succeeds without doing anything).
void tell(const char *kind, unsigned long amount, const char *name);

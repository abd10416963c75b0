// The machine that is pretended: its GPUs, as the variable PRETENDED_GPUS tells them.
#pragma once

enum { MOST_GPUS = 16 };

typedef struct {
  char name[128];
  int major, minor;      // compute capability
  int driver;            // the driver's first number, such as 580 of 580.82.07
  long megabytes;        // of memory, 2^20 bytes each
  int bus;               // its place on the bus, from 0; nvidia-smi's number
} Gpu;

// The GPUs that a process may use, in the order in which CUDA numbers them: CUDA_DEVICE_ORDER and
// CUDA_VISIBLE_DEVICES are obeyed as the real driver does.
typedef struct {
  Gpu gpus[MOST_GPUS];
  int count;
} Machine;

// Read once, at the first call.
const Machine *machine(void);

// The version of CUDA that a driver brings, as cuDriverGetVersion tells it: 12040 for CUDA 12.4.
int cudaVersionOf(int driver);

// PRETENDED_FAULT=FUNCTION:N:ERROR makes the N-th call of a function of the driver, and all later ones, return an
// error of CUDA by its number. Asked with the function's own name; SUCCESS where it does not fail.
int faultOf(const char *function);

// A number in the environment, or what it is where it is not set.
long numberInEnvironment(const char *name, long otherwise);

// Compiled programs: they are loaded, their kernels are found by name, and a launch is told but not done.
#include <stddef.h>
#include <string.h>

#include "../log.h"
#include "../machine.h"
#include "context.h"
#include "memory.h"

static Status load(void **program) {
  tell("load", 1, "");
  *program = newHandle();
  return SUCCESS;
}

Status cuModuleLoadData(void **module, const void *image) {
  (void)image;
  int fault = faultOf("cuModuleLoadData");
  return fault == SUCCESS ? load(module) : (Status)fault;
}

Status cuModuleLoadFatBinary(void **module, const void *image) { return cuModuleLoadData(module, image); }

Status cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options, void **values) {
  (void)count, (void)options, (void)values;
  return cuModuleLoadData(module, image);
}

Status cuLibraryLoadData(void **library, const void *image) { return cuModuleLoadData(library, image); }

Status cuLibraryGetModule(void **module, void *library) {
  *module = library;
  return SUCCESS;
}

// A kernel is its own name.
Status cuModuleGetFunction(void **kernel, void *module, const char *name) {
  (void)module;
  *kernel = strdup(name);
  return *kernel ? SUCCESS : OUT_OF_MEMORY;
}

Status cuLibraryGetKernel(void **kernel, void *library, const char *name) {
  return cuModuleGetFunction(kernel, library, name);
}

Status cuKernelGetFunction(void **function, void *kernel) {
  *function = kernel;
  return SUCCESS;
}

Status cuFuncGetModule(void **module, void *kernel) {
  (void)kernel;
  *module = newHandle();
  return SUCCESS;
}

Status cuFuncGetName(const char **name, void *kernel) {
  *name = kernel;
  return SUCCESS;
}

// How long a program's constants and buffers are is written in it; more than any of them needs.
Status cuModuleGetGlobal_v2(void **address, size_t *bytes, void *module, const char *name) {
  (void)module, (void)name;
  const size_t ROOM = 1 << 20;
  if (bytes) *bytes = ROOM;
  return address ? takeMemory(currentGpu(), ROOM, address) : SUCCESS;
}

Status cuLibraryGetGlobal(void **address, size_t *bytes, void *library, const char *name) {
  return cuModuleGetGlobal_v2(address, bytes, library, name);
}

Status cuFuncGetAttribute(int *value, int attribute, void *kernel) {
  (void)kernel;
  enum { THREADS_PER_BLOCK = 0 };
  *value = attribute == THREADS_PER_BLOCK ? 1024 : 0;
  return SUCCESS;
}

Status cuKernelGetAttribute(int *value, int attribute, void *kernel, int gpu) {
  (void)gpu;
  return cuFuncGetAttribute(value, attribute, kernel);
}

Status cuLaunchKernel(void *kernel) {
  tell("launch", 1, kernel);
  return SUCCESS;
}

Status cuLaunchKernelEx(const void *configuration, void *kernel) {
  (void)configuration;
  return cuLaunchKernel(kernel);
}

Status cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks) {
  *blocks = 2;
  return SUCCESS;
}

Status cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks);
}

Status cuOccupancyMaxPotentialBlockSize(int *grid, int *block) {
  *grid = 264;
  *block = 1024;
  return SUCCESS;
}

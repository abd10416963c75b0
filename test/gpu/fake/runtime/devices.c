// What the runtime tells of the GPUs.
#include <stddef.h>
#include <string.h>

#include "driver.h"

static __thread int current;

// The start of CUDA 12's cudaDeviceProp.
typedef struct {
  char name[256];
  char identifiers[32];
  size_t memory, sharedPerBlock;
  int registersPerBlock, warp;
  size_t pitch;
  int threadsPerBlock, block[3], grid[3], clock;
  size_t constants;
  int major, minor;
  size_t textureAlignment, texturePitch;
  int overlap, multiprocessors;
  char others[640];
} Properties;

enum { THREADS_PER_MULTIPROCESSOR_PLACE = 624, PROPERTIES_BYTES = 1032 };

Status cudaGetDeviceCount(int *count) { return DRIVER("cuDeviceGetCount", int *)(count); }

Status cudaGetDevice(int *gpu) {
  *gpu = current;
  return SUCCESS;
}

Status cudaSetDevice(int gpu) {
  current = gpu;
  return SUCCESS;
}

Status cudaDriverGetVersion(int *version) { return DRIVER("cuDriverGetVersion", int *)(version); }

Status cudaRuntimeGetVersion(int *version) {
  *version = 12090;
  return SUCCESS;
}

Status cudaDeviceGetAttribute(int *value, int attribute, int gpu) {
  return DRIVER("cuDeviceGetAttribute", int *, int, int)(value, attribute, gpu);
}

// An attribute by the driver's number.
static int attribute(int number, int gpu) {
  int value;
  cudaDeviceGetAttribute(&value, number, gpu);
  return value;
}

Status cudaGetDeviceProperties_v2(Properties *properties, int gpu) {
  memset(properties, 0, PROPERTIES_BYTES);
  DRIVER("cuDeviceGetName", char *, int, int)(properties->name, sizeof properties->name, gpu);
  DRIVER("cuDeviceTotalMem_v2", size_t *, int)(&properties->memory, gpu);
  properties->threadsPerBlock = attribute(1, gpu);
  for (int i = 0; i < 3; i++) {
    properties->block[i] = attribute(2 + i, gpu);
    properties->grid[i] = attribute(5 + i, gpu);
  }
  properties->sharedPerBlock = attribute(8, gpu);
  properties->constants = attribute(9, gpu);
  properties->warp = attribute(10, gpu);
  properties->pitch = attribute(11, gpu);
  properties->registersPerBlock = attribute(12, gpu);
  properties->clock = attribute(13, gpu);
  properties->multiprocessors = attribute(16, gpu);
  properties->major = attribute(75, gpu);
  properties->minor = attribute(76, gpu);
  *(int *)((char *)properties + THREADS_PER_MULTIPROCESSOR_PLACE) = attribute(39, gpu);
  return SUCCESS;
}

Status cudaGetDeviceProperties(Properties *properties, int gpu) { return cudaGetDeviceProperties_v2(properties, gpu); }

const char *cudaGetErrorString(Status error) {
  (void)error;
  return "an error of the pretended GPU";
}

const char *cudaGetErrorName(Status error) { return cudaGetErrorString(error); }

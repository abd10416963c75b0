// What the driver tells of the machine.
#include <stdio.h>
#include <string.h>

#include "../machine.h"
#include "memory.h"

// PRETENDED_CUINIT: an error of CUDA by its number, such as 804 for a driver that does not fit the GPU.
Status cuInit(unsigned flags) {
  (void)flags;
  int error = numberInEnvironment("PRETENDED_CUINIT", SUCCESS);
  if (error != SUCCESS) return error;
  return machine()->count > 0 ? SUCCESS : NO_DEVICE;
}

Status cuDriverGetVersion(int *version) {
  *version = machine()->count > 0 ? cudaVersionOf(machine()->gpus[0].driver) : 0;
  return SUCCESS;
}

Status cuDeviceGetCount(int *count) {
  *count = machine()->count;
  return SUCCESS;
}

Status cuDeviceGet(int *gpu, int number) {
  if (number < 0 || number >= machine()->count) return INVALID_DEVICE;
  *gpu = number;
  return SUCCESS;
}

Status cuDeviceGetName(char *name, int room, int gpu) {
  snprintf(name, room, "%s", machine()->gpus[gpu].name);
  return SUCCESS;
}

Status cuDeviceGetUuid_v2(unsigned char *uuid, int gpu) {
  memset(uuid, 0, 16);
  uuid[15] = machine()->gpus[gpu].bus + 1;
  return SUCCESS;
}

Status cuDeviceGetUuid(unsigned char *uuid, int gpu) { return cuDeviceGetUuid_v2(uuid, gpu); }

Status cuDeviceGetPCIBusId(char *id, int room, int gpu) {
  snprintf(id, room, "0000:%02x:00.0", machine()->gpus[gpu].bus + 1);
  return SUCCESS;
}

Status cuDeviceTotalMem_v2(size_t *bytes, int gpu) {
  *bytes = memoryOf(gpu);
  return SUCCESS;
}

// What has the same number on all of them: an H100's, by the numbers of CUdevice_attribute.
static int commonAttribute(int attribute) {
  enum { MANY = 2147483647 };
  static const int VALUES[][2] = {
      {1, 1024},       // threads per block
      {2, 1024},       // block, x
      {3, 1024},       // block, y
      {4, 64},         // block, z
      {5, MANY},       // grid, x
      {6, 65535},      // grid, y
      {7, 65535},      // grid, z
      {8, 49152},      // shared memory per block
      {9, 65536},      // constant memory
      {10, 32},        // threads per warp
      {11, MANY},      // pitch
      {12, 65536},     // registers per block
      {13, 1980000},   // clock, kHz
      {16, 132},       // multiprocessors
      {19, 1},         // maps memory of the host
      {31, 1},         // runs kernels side by side
      {36, 2619000},   // memory's clock, kHz
      {37, 5120},      // memory's width, bits
      {38, 52428800},  // second cache, bytes
      {39, 2048},      // threads per multiprocessor
      {40, 3},         // copy engines
      {41, 1},         // one space of addresses
      {78, 1},         // priorities of streams
      {81, 233472},    // shared memory per multiprocessor
      {82, 65536},     // registers per multiprocessor
      {83, 1},         // managed memory
      {97, 232448},    // shared memory per block for who asks
      {106, 32},       // blocks per multiprocessor
      {111, 1024},     // shared memory that CUDA keeps per block
  };
  for (unsigned i = 0; i < sizeof VALUES / sizeof *VALUES; i++)
    if (VALUES[i][0] == attribute) return VALUES[i][1];
  return 0;
}

Status cuDeviceGetAttribute(int *value, int attribute, int gpu) {
  enum { BUS = 33, MAJOR = 75, MINOR = 76 };
  const Gpu *row = &machine()->gpus[gpu];
  switch (attribute) {
    case BUS: *value = row->bus + 1; break;
    case MAJOR: *value = row->major; break;
    case MINOR: *value = row->minor; break;
    default: *value = commonAttribute(attribute);
  }
  return SUCCESS;
}

Status cuDeviceCanAccessPeer(int *can, int gpu, int other) {
  (void)gpu, (void)other;
  *can = 0;
  return SUCCESS;
}

typedef struct {
  int error;
  const char *name, *text;
} ErrorText;

static const ErrorText *errorText(int error) {
  static const ErrorText ERRORS[] = {
      {SUCCESS, "CUDA_SUCCESS", "no error"},
      {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
      {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
      {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
      {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
      {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
      {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
      {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
  };
  const ErrorText *text = ERRORS;
  while (text->error != error && text->error != 999) text++;
  return text;
}

Status cuGetErrorName(Status error, const char **name) {
  *name = errorText(error)->name;
  return SUCCESS;
}

Status cuGetErrorString(Status error, const char **text) {
  *text = errorText(error)->text;
  return SUCCESS;
}

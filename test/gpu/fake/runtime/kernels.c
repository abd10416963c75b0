// Kernels that TensorFlow brings itself: registered when it is loaded, and told by name when they are launched.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../log.h"
#include "../status.h"

typedef struct {
  unsigned x, y, z;
} Dimensions;

typedef struct {
  const void *function;
  const char *name;
} Kernel;

// A table by address: there are some ten thousand of them.
enum { SLOTS = 1 << 18 };
static Kernel kernels[SLOTS];

static Kernel *slotOf(const void *function) {
  size_t place = ((uintptr_t)function >> 4) % SLOTS;
  while (kernels[place].function && kernels[place].function != function) place = (place + 1) % SLOTS;
  return &kernels[place];
}

static const char *nameOf(const void *function) {
  const Kernel *kernel = slotOf(function);
  return kernel->name ? kernel->name : "unknown";
}

void **__cudaRegisterFatBinary(void *image) {
  (void)image;
  static void *handle[4];
  return handle;
}

void __cudaRegisterFunction(void **image, const void *function, char *symbol, const char *name) {
  (void)image, (void)symbol;
  *slotOf(function) = (Kernel){function, name};
}

// A launch in the language of CUDA is two calls: how many threads, and then the kernel.
static __thread struct {
  Dimensions grid, block;
  size_t shared;
  void *stream;
} configuration;

unsigned __cudaPushCallConfiguration(Dimensions grid, Dimensions block, size_t shared, void *stream) {
  configuration.grid = grid;
  configuration.block = block;
  configuration.shared = shared;
  configuration.stream = stream;
  return 0;
}

Status __cudaPopCallConfiguration(Dimensions *grid, Dimensions *block, size_t *shared, void **stream) {
  *grid = configuration.grid;
  *block = configuration.block;
  *shared = configuration.shared;
  *stream = configuration.stream;
  return SUCCESS;
}

Status cudaLaunchKernel(const void *function) {
  tell("launch", 1, nameOf(function));
  return SUCCESS;
}

Status cudaLaunchKernelExC(const void *how, const void *function) {
  (void)how;
  return cudaLaunchKernel(function);
}

// For the driver, a kernel is its name.
Status cudaGetFuncBySymbol(const char **kernel, const void *function) {
  *kernel = nameOf(function);
  return SUCCESS;
}

// The start of cudaFuncAttributes.
typedef struct {
  size_t shared, constants, local;
  int threadsPerBlock, registers;
} FunctionAttributes;

Status cudaFuncGetAttributes(FunctionAttributes *attributes, const void *function) {
  (void)function;
  *attributes = (FunctionAttributes){.threadsPerBlock = 1024, .registers = 32};
  return SUCCESS;
}

Status cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks) {
  *blocks = 2;
  return SUCCESS;
}

Status cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks);
}

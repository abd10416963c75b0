// Taking memory, by all the names that CUDA has for it.
#include <stdlib.h>

#include "../machine.h"
#include "context.h"
#include "memory.h"

static const size_t PAGE = 4096;

Status cuMemGetInfo_v2(size_t *available, size_t *total) {
  *total = memoryOf(currentGpu());
  *available = *total - memoryInUse(currentGpu());
  return SUCCESS;
}

Status cuMemAlloc_v2(void **address, size_t bytes) {
  int fault = faultOf("cuMemAlloc");
  return fault == SUCCESS ? takeMemory(currentGpu(), bytes, address) : (Status)fault;
}

Status cuMemAllocManaged(void **address, size_t bytes, unsigned flags) {
  (void)flags;
  return cuMemAlloc_v2(address, bytes);
}

Status cuMemAllocAsync(void **address, size_t bytes, void *stream) {
  (void)stream;
  return cuMemAlloc_v2(address, bytes);
}

Status cuMemAllocFromPoolAsync(void **address, size_t bytes, void *pool, void *stream) {
  (void)pool;
  return cuMemAllocAsync(address, bytes, stream);
}

Status cuMemFree_v2(void *address) {
  giveMemory(address);
  return SUCCESS;
}

Status cuMemFreeAsync(void *address, void *stream) {
  (void)stream;
  return cuMemFree_v2(address);
}

// Memory of the host that a GPU can read: any.
Status cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
  (void)flags;
  return posix_memalign(address, PAGE, bytes) == 0 ? SUCCESS : OUT_OF_MEMORY;
}

Status cuMemAllocHost_v2(void **address, size_t bytes) { return cuMemHostAlloc(address, bytes, 0); }

Status cuMemFreeHost(void *address) {
  free(address);
  return SUCCESS;
}

Status cuMemHostGetDevicePointer_v2(void **there, void *address, unsigned flags) {
  (void)flags;
  *there = address;
  return SUCCESS;
}

Status cuMemGetAllocationGranularity(size_t *bytes, const void *properties, int option) {
  (void)properties, (void)option;
  *bytes = 2 << 20;
  return SUCCESS;
}

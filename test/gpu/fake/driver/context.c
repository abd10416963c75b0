#include "context.h"

#include <stdint.h>
#include <string.h>

#include "../log.h"
#include "../machine.h"
#include "memory.h"

// One context for each GPU; a context's address is its name.
static char contexts[MOST_GPUS];
static __thread char *current;

int currentGpu(void) { return current ? (int)(current - contexts) : 0; }

void *newHandle(void) {
  static uintptr_t last = 0x1000;
  return (void *)__sync_add_and_fetch(&last, 16);
}

Status cuDevicePrimaryCtxRetain(void **context, int gpu) {
  int fault = faultOf("cuDevicePrimaryCtxRetain");
  if (fault != SUCCESS) return fault;
  tell("context", machine()->gpus[gpu].bus, machine()->gpus[gpu].name);
  *context = &contexts[gpu];
  return SUCCESS;
}

Status cuDevicePrimaryCtxGetState(int gpu, unsigned *flags, int *active) {
  (void)gpu;
  *flags = 0;
  *active = 0;
  return SUCCESS;
}

Status cuCtxGetCurrent(void **context) {
  *context = current;
  return SUCCESS;
}

Status cuCtxSetCurrent(void *context) {
  current = context;
  return SUCCESS;
}

Status cuCtxPushCurrent_v2(void *context) { return cuCtxSetCurrent(context); }

Status cuCtxPopCurrent_v2(void **context) { return context ? cuCtxGetCurrent(context) : SUCCESS; }

Status cuCtxGetDevice(int *gpu) {
  *gpu = currentGpu();
  return SUCCESS;
}

Status cuCtxGetApiVersion(void *context, unsigned *version) {
  (void)context;
  *version = 3020;
  return SUCCESS;
}

Status cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  *least = 0;
  *greatest = -5;
  return SUCCESS;
}

Status cuStreamGetCtx(void *stream, void **context) {
  (void)stream;
  *context = &contexts[currentGpu()];
  return SUCCESS;
}

Status cuPointerGetAttribute(void *value, int attribute, const void *pointer) {
  enum { CONTEXT = 1, MEMORY_TYPE = 2, DEVICE_POINTER = 3, DEVICE_ORDINAL = 9, ON_DEVICE = 2 };
  int gpu = gpuOf(pointer);
  if (gpu < 0) return INVALID_VALUE;
  switch (attribute) {
    case CONTEXT: *(void **)value = &contexts[gpu]; break;
    case MEMORY_TYPE: *(int *)value = ON_DEVICE; break;
    case DEVICE_POINTER: *(const void **)value = pointer; break;
    case DEVICE_ORDINAL: *(int *)value = gpu; break;
    default: memset(value, 0, sizeof(int));
  }
  return SUCCESS;
}

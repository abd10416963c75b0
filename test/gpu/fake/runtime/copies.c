// Copies, streams and events of the runtime: the driver's.
#include <stddef.h>

#include "driver.h"

Status cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
  (void)kind;
  return DRIVER("cuMemcpyAsync", void *, const void *, size_t, void *)(to, from, bytes, stream);
}

Status cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, NULL);
}

Status cudaMemsetAsync(void *to, int value, size_t bytes, void *stream) {
  return DRIVER("cuMemsetD8Async", void *, unsigned char, size_t, void *)(to, value, bytes, stream);
}

Status cudaEventCreateWithFlags(void **event, unsigned flags) {
  return DRIVER("cuEventCreate", void **, unsigned)(event, flags);
}

Status cudaStreamCreateWithFlags(void **stream, unsigned flags) {
  return DRIVER("cuStreamCreate", void **, unsigned)(stream, flags);
}

// Copies: the only thing that the pretended GPU really does.
#include <stdint.h>
#include <string.h>

#include "../log.h"
#include "memory.h"

static int liesOnGpu(const void *address) { return gpuOf(address) >= 0; }

static int isWrong(const void *address, int onGpu, size_t bytes, const char *what) {
  if (liesOnGpu(address) == onGpu) return 0;
  tell("wrong", bytes, what);
  return 1;
}

static Status toDevice(void *to, const void *from, size_t bytes) {
  if (isWrong(to, 1, bytes, "to-device: to") || isWrong(from, 0, bytes, "to-device: from")) return INVALID_VALUE;
  tell("to-device", bytes, "");
  memcpy(bytesBehind(to), from, bytes);
  return SUCCESS;
}

// What a computation would have left. Nothing was computed: what lies there is zero, or what somebody else left.
//
// In an array of four floats or more, a zero is handed to the host as a one: a mean over images that were counted on
// the GPU is a number then, and a run goes on to its end. A single byte is the condition of a loop whose rounds are
// not known: it is false, so that no loop runs for ever. Other values stay: no error was counted.
static void pretendResult(uint8_t *values, size_t bytes) {
  const float one = 1, zero = 0;
  if (bytes == 1) values[0] = 0;
  if (bytes < 4 * sizeof one || bytes % sizeof one != 0) return;
  for (size_t i = 0; i < bytes; i += sizeof one)
    if (memcmp(values + i, &zero, sizeof zero) == 0) memcpy(values + i, &one, sizeof one);
}

static Status toHost(void *to, const void *from, size_t bytes) {
  if (isWrong(from, 1, bytes, "to-host: from") || isWrong(to, 0, bytes, "to-host: to")) return INVALID_VALUE;
  tell("to-host", bytes, "");
  memcpy(to, bytesBehind(from), bytes);
  pretendResult(to, bytes);
  return SUCCESS;
}

static Status onDevice(void *to, const void *from, size_t bytes) {
  if (isWrong(to, 1, bytes, "on-device: to") || isWrong(from, 1, bytes, "on-device: from")) return INVALID_VALUE;
  tell("on-device", bytes, "");
  memmove(bytesBehind(to), bytesBehind(from), bytes);
  return SUCCESS;
}

Status cuMemcpyHtoD_v2(void *to, const void *from, size_t bytes) { return toDevice(to, from, bytes); }
Status cuMemcpyDtoH_v2(void *to, const void *from, size_t bytes) { return toHost(to, from, bytes); }
Status cuMemcpyDtoD_v2(void *to, const void *from, size_t bytes) { return onDevice(to, from, bytes); }

// The addresses tell the direction.
Status cuMemcpy(void *to, const void *from, size_t bytes) {
  if (liesOnGpu(to)) return liesOnGpu(from) ? onDevice(to, from, bytes) : toDevice(to, from, bytes);
  if (liesOnGpu(from)) return toHost(to, from, bytes);
  memmove(to, from, bytes);
  return SUCCESS;
}

Status cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  return toDevice(to, from, bytes);
}

Status cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  return toHost(to, from, bytes);
}

Status cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  return onDevice(to, from, bytes);
}

Status cuMemcpyAsync(void *to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  return cuMemcpy(to, from, bytes);
}

Status cuMemsetD8_v2(void *to, unsigned char value, size_t bytes) {
  if (isWrong(to, 1, bytes, "set")) return INVALID_VALUE;
  tell("set", bytes, "");
  memset(bytesBehind(to), value, bytes);
  return SUCCESS;
}

Status cuMemsetD32_v2(void *to, uint32_t value, size_t count) {
  if (isWrong(to, 1, 4 * count, "set")) return INVALID_VALUE;
  tell("set", 4 * count, "");
  uint32_t *values = bytesBehind(to);
  for (size_t i = 0; i < count; i++) values[i] = value;
  return SUCCESS;
}

Status cuMemsetD8Async(void *to, unsigned char value, size_t bytes, void *stream) {
  (void)stream;
  return cuMemsetD8_v2(to, value, bytes);
}

Status cuMemsetD32Async(void *to, uint32_t value, size_t count, void *stream) {
  (void)stream;
  return cuMemsetD32_v2(to, value, count);
}

// Streams and events: all work is done at once, so there is nothing to wait for.
#include <stddef.h>

#include "../machine.h"
#include "../status.h"
#include "context.h"

Status cuStreamCreate(void **stream, unsigned flags) {
  (void)flags;
  *stream = newHandle();
  return SUCCESS;
}

Status cuStreamCreateWithPriority(void **stream, unsigned flags, int priority) {
  (void)priority;
  return cuStreamCreate(stream, flags);
}

Status cuStreamSynchronize(void *stream) {
  (void)stream;
  return faultOf("cuStreamSynchronize");
}

Status cuStreamGetPriority(void *stream, int *priority) {
  (void)stream;
  *priority = 0;
  return SUCCESS;
}

Status cuStreamIsCapturing(void *stream, int *capturing) {
  (void)stream;
  *capturing = 0;
  return SUCCESS;
}

Status cuStreamGetCaptureInfo_v2(void *stream, int *capturing, unsigned long *id, void **graph, void **before,
                                 size_t *count) {
  (void)id, (void)graph, (void)before, (void)count;
  return cuStreamIsCapturing(stream, capturing);
}

Status cuEventCreate(void **event, unsigned flags) {
  (void)flags;
  *event = newHandle();
  return SUCCESS;
}

Status cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  (void)from, (void)to;
  *milliseconds = 1;
  return SUCCESS;
}

Status cuEventElapsedTime_v2(float *milliseconds, void *from, void *to) {
  return cuEventElapsedTime(milliseconds, from, to);
}

Status cuLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
  (void)stream;
  function(data);
  return SUCCESS;
}

Status cuStreamAddCallback(void *stream, void (*function)(void *, Status, void *), void *data, unsigned flags) {
  (void)flags;
  function(stream, SUCCESS, data);
  return SUCCESS;
}

// cuDNN: says who it is, takes every description, and convolves nothing.
#include <stddef.h>
#include <stdlib.h>

#include "../log.h"
#include "../status.h"
#include "handle.h"

Status cudnnCreate(void **library) {
  *library = newLibrary("cudnn");
  return SUCCESS;
}

// PRETENDED_CUDNN: another version, as cuDNN counts it.
size_t cudnnGetVersion(void) {
  const char *given = getenv("PRETENDED_CUDNN");
  return given ? (size_t)atol(given) : 92800;
}
size_t cudnnGetCudartVersion(void) { return 12090; }

Status cudnnGetProperty(int part, int *number) {
  static const int VERSION[] = {9, 28, 0};
  *number = VERSION[part];
  return SUCCESS;
}

const char *cudnnGetErrorString(Status error) {
  (void)error;
  return "an error of the pretended cuDNN";
}

Status cudnnBackendCreateDescriptor(int type, void **descriptor) {
  (void)type;
  *descriptor = newThing();
  return SUCCESS;
}

// Attributes of descriptions. There is one way to do each convolution, number 0, which needs no memory and has nothing
// that could be set.
Status cudnnBackendGetAttribute(void *descriptor, int attribute, int type, long room, long *count, void *values) {
  (void)descriptor, (void)type;
  enum { HEURISTICS_RESULTS = 202, CONFIGURATION_ENGINE = 300, PLAN_CONFIGURATION = 401 };  // descriptions
  enum { PLAN_WORKSPACE = 402, ENGINE_COUNT = 802, ENGINE_NUMBER = 1301 };                  // numbers
  long found = 0;
  switch (attribute) {
    case PLAN_WORKSPACE:
    case ENGINE_COUNT:
    case ENGINE_NUMBER:
      if (values && room > 0) *(long *)values = attribute == ENGINE_COUNT;
      found = 1;
      break;
    case HEURISTICS_RESULTS:
    case CONFIGURATION_ENGINE:
    case PLAN_CONFIGURATION: found = 1;
  }
  if (count) *count = found;
  return SUCCESS;
}

Status cudnnBackendExecute(void) {
  tell("launch", 1, "cudnn");
  return SUCCESS;
}

#include "handle.h"

#include <stdlib.h>

#include "../log.h"

void *newThing(void) { return calloc(1, 64); }

void *newLibrary(const char *name) {
  const char *override = getenv("NVIDIA_TF32_OVERRIDE");
  tell("tf32", !(override && atoi(override) == 0), name);
  return newThing();
}

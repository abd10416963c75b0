#include "handle.h"

#include <stdlib.h>

void *newThing(void) { return calloc(1, 64); }

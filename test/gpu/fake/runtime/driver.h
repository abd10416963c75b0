// The driver, which the runtime hands everything on to.
#pragma once

#include "../status.h"

// A function of libcuda.so.1 by its name, as one that takes and returns what the caller says.
void *driverFunction(const char *name);

#define DRIVER(name, ...) ((Status(*)(__VA_ARGS__))driverFunction(name))

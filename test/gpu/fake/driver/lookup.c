// How other libraries ask the driver for its functions.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "../status.h"

// The newest version of a function by its name, as the driver gives it out.
static void *functionNamed(const char *name) {
  static const char *FORMS[] = {"%s_v2", "%s"};
  void *self = dlopen("libcuda.so.1", RTLD_NOW), *found = NULL;
  for (int i = 0; i < 2 && !found; i++) {
    char full[128];
    snprintf(full, sizeof full, FORMS[i], name);
    found = dlsym(self, full);
  }
  return found;
}

Status cuGetProcAddress_v2(const char *name, void **function, int version, unsigned long flags, int *found) {
  (void)version, (void)flags;
  *function = functionNamed(name);
  if (found) *found = *function ? 0 : 1;
  return *function ? SUCCESS : NOT_FOUND;
}

Status cuGetProcAddress(const char *name, void **function, int version, unsigned long flags) {
  return cuGetProcAddress_v2(name, function, version, flags, NULL);
}

// Tables of functions that NVIDIA's libraries share among themselves: there are none.
Status cuGetExportTable(const void **table, const void *id) {
  (void)table, (void)id;
  return INVALID_VALUE;
}

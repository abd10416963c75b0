// cuBLAS: says who it is, and multiplies nothing.
#include "../status.h"
#include "handle.h"

Status cublasCreate_v2(void **library) {
  *library = newLibrary("cublas");
  return SUCCESS;
}

Status cublasGetVersion_v2(void *library, int *version) {
  (void)library;
  *version = 120903;
  return SUCCESS;
}

Status cublasGetProperty(int part, int *number) {
  static const int VERSION[] = {12, 9, 3};
  *number = VERSION[part];
  return SUCCESS;
}

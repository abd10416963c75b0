// What CUDA's functions return, of the driver and of the runtime alike.
#pragma once

typedef enum {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  NOT_FOUND = 500,
} Status;

// A function that succeeds and does nothing; its first call is told. All that TensorFlow may ask a library for and
// that is written nowhere here is made of this (build.ts).
#pragma once

#include "log.h"

#define NOTHING(name)                        \
  int name(void) {                           \
    static int told;                         \
    if (!told) tell("nothing", 1, #name);    \
    told = 1;                                \
    return 0;                                \
  }

// Included before TensorFlow.js's own sources while set-up compiles its binding, and nowhere else (setup/binding.ts).
//
// On a busy, full or failed GPU TensorFlow makes no context. The binding's constructor throws a message without the
// reason then, and goes on with a null pointer, which crashes. Here it throws TensorFlow's own message and returns.
#pragma once

#include "tensorflow/c/eager/c_api.h"
#include "whole_errors.h"

// Both are used in that constructor alone, where `env` is the environment to throw in.
#define TFE_NewContext(options, status)                                       \
  ({                                                                          \
    TFE_Context *made = TFE_NewContext(options, status);                      \
    if (made == nullptr) pefd::throwWhole(env, "%s", TF_Message(status));     \
    made;                                                                     \
  })

#define TFE_ContextListDevices(context, status) \
  ({                                            \
    if ((context) == nullptr) return;           \
    TFE_ContextListDevices(context, status);    \
  })

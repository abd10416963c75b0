// Included before TensorFlow.js's own sources while set-up compiles its binding, and nowhere else (setup/binding.ts).
//
// The binding opens sessions with TensorFlow's default options, by which an optimizer rewrites a graph before its first
// run. On a processor our steps are written as they are to run (compile/passes), and what it does takes longer than
// everything else before a first step: where TF_PEFD_GRAPH_OPTIMIZER is "off" it is left out (runtime/prepare.ts).
#pragma once

#include <cstdlib>
#include <cstring>

#include "utils.h"

namespace pefd {

/** Options of a session, by default or without the optimizer. */
inline TF_SessionOptions *newSessionOptions() {
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *optimizer = std::getenv("TF_PEFD_GRAPH_OPTIMIZER");
  if (optimizer == nullptr || std::strcmp(optimizer, "off") != 0) return options;
  // A ConfigProto: graph_options { rewrite_options { disable_meta_optimizer: true } }.
  static const unsigned char config[] = {0x52, 5, 0x52, 3, 0x98, 1, 1};
  TF_Status *status = TF_NewStatus();
  TF_SetConfig(options, config, sizeof(config), status);
  TF_DeleteStatus(status);
  return options;
}

}  // namespace pefd

#define TF_NewSessionOptions pefd::newSessionOptions

// Ops of ours for TensorFlow's processor device. A Node-API module; being loaded registers them.
#include <cstdint>
#include <string>

#include "../host/instruction_set.h"
#include "op.h"

namespace pefd {
namespace {

// What the module says of itself.
struct Registered {
  // For which processors the kernels are compiled that serve; "none" without any.
  const char *instructions = "none";
  // TensorFlow's sentence where an op could not be registered.
  std::string problem;
};

// @throws StatusIsSet
void registerOp(const Op &op, TF_Status *status) {
  TF_OpDefinitionBuilder *definition = TF_NewOpDefinitionBuilder(op.name);
  for (const char *attribute : op.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  for (const char *input : op.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char *output : op.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, op.shape);
  TF_RegisterOpDefinition(definition, status);
  check(status);
  TF_KernelBuilder *kernel = TF_NewKernelBuilder(op.name, "CPU", op.create, op.compute, op.remove);
  TF_RegisterKernelBuilder(op.name, kernel, status);
  check(status);
}

Registered registerAll() {
  const InstructionSet &set = instructionSet();
  if (set.kernels == nullptr) return {set.name, ""};
  const Status status;
  withStatus(status.get(), [&] {
    for (const std::vector<Op> &ops : {convolutionOps(), elementwiseOps(), resizeOps()}) {
      for (const Op &op : ops) registerOp(op, status.get());
    }
  });
  return status.isOk() ? Registered{set.name, ""} : Registered{"none", TF_Message(status.get())};
}

const Registered registered = registerAll();

// The ops of elementwise programs, by their opcodes, with a blank between them.
std::string operations() {
  std::string names;
  for (const char *name : OPERATIONS) names += (names.empty() ? "" : " ") + std::string(name);
  return names;
}

}  // namespace
}  // namespace pefd

// The two functions of Node-API that are needed, without its headers. Weak: Python's TensorFlow loads this as a library
// of ops (scripts/profile-step.py), and there is no Node.js in it.
extern "C" {
struct napi_env__;
struct napi_value__;
__attribute__((weak)) int napi_create_string_utf8(napi_env__ *env, const char *text, size_t length,
                                                  napi_value__ **result);
__attribute__((weak)) int napi_set_named_property(napi_env__ *env, napi_value__ *object, const char *name,
                                                  napi_value__ *value);

__attribute__((visibility("default"))) napi_value__ *napi_register_module_v1(napi_env__ *env, napi_value__ *exports) {
  const auto set = [&](const char *name, const std::string &text) {
    napi_value__ *value = nullptr;
    napi_create_string_utf8(env, text.data(), text.size(), &value);
    napi_set_named_property(env, exports, name, value);
  };
  try {
    set("instructions", pefd::registered.instructions);
    set("problem", pefd::registered.problem);
    set("operations", pefd::operations());
  } catch (const std::bad_alloc &) {
    // What is not said counts as none.
  }
  return exports;
}
}

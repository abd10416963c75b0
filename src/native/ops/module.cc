// Ops of ours for TensorFlow's processor device. A Node-API module; being loaded registers them.
#include <cstdint>
#include <string>

#include "../host/diverted_words.h"
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
    for (const std::vector<Op> &ops :
         {batchNormOps(), convolutionOps(), depthwiseOps(), elementwiseOps(), normalizeOps(), resizeOps(),
          swapOps()}) {
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

// The functions of Node-API that are needed, without its headers. Weak: Python's TensorFlow loads this as a library of ops
// (scripts/profile-step.py), and there is no Node.js in it.
extern "C" {
struct napi_env__;
struct napi_value__;
struct napi_callback_info__;
using Function = napi_value__ *(*)(napi_env__ *env, napi_callback_info__ *info);
__attribute__((weak)) int napi_create_string_utf8(napi_env__ *env, const char *text, size_t length,
                                                  napi_value__ **result);
__attribute__((weak)) int napi_create_function(napi_env__ *env, const char *name, size_t length, Function function,
                                               void *data, napi_value__ **result);
__attribute__((weak)) int napi_set_named_property(napi_env__ *env, napi_value__ *object, const char *name,
                                                  napi_value__ *value);
}

namespace pefd {
namespace {

napi_value__ *text(napi_env__ *env, const std::string &words) {
  napi_value__ *value = nullptr;
  napi_create_string_utf8(env, words.data(), words.size(), &value);
  return value;
}

napi_value__ *divert(napi_env__ * /*env*/, napi_callback_info__ * /*info*/) {
  divertWords();
  return nullptr;
}

napi_value__ *take(napi_env__ *env, napi_callback_info__ * /*info*/) { return text(env, takeWords()); }

napi_value__ *inFloats(napi_env__ *env, napi_callback_info__ * /*info*/) { return text(env, convolutionsInFloats()); }

void describe(napi_env__ *env, napi_value__ *exports) {
  const auto set = [&](const char *name, napi_value__ *value) { napi_set_named_property(env, exports, name, value); };
  const auto function = [&](const char *name, Function called) {
    napi_value__ *value = nullptr;
    napi_create_function(env, name, std::char_traits<char>::length(name), called, nullptr, &value);
    set(name, value);
  };
  set("instructions", text(env, registered.instructions));
  set("reduced", text(env, reducedProducts().name));
  set("narrow", text(env, reducedProducts().narrow == nullptr ? "" : "bfloat16"));
  set("problem", text(env, registered.problem));
  set("operations", text(env, operations()));
  function("divertWords", divert);
  function("takeWords", take);
  function("inFloats", inFloats);
}

}  // namespace
}  // namespace pefd

extern "C" __attribute__((visibility("default"))) napi_value__ *napi_register_module_v1(napi_env__ *env,
                                                                                       napi_value__ *exports) {
  try {
    pefd::describe(env, exports);
  } catch (const std::bad_alloc &) {
    // What is not said counts as none.
  }
  return exports;
}

// The border to TensorFlow's C API: exceptions on our side become statuses on its side.
#pragma once

#include <new>
#include <stdexcept>

#include "tensorflow/c/tf_status.h"

namespace pefd {

// A status that goes with this.
class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status &) = delete;

  TF_Status *get() const { return status_; }
  bool isOk() const { return TF_GetCode(status_) == TF_OK; }

 private:
  TF_Status *const status_;
};

// Thrown where a status already says what went wrong.
struct StatusIsSet {};

// @throws StatusIsSet where TensorFlow's last call has failed
inline void check(const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) throw StatusIsSet();
}

// Runs something that may throw, for TensorFlow, which must not see exceptions.
template <typename Run>
void withStatus(TF_Status *status, Run run) noexcept {
  try {
    run();
  } catch (const StatusIsSet &) {
  } catch (const std::invalid_argument &refusal) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, refusal.what());
  } catch (const std::bad_alloc &) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "There is not enough memory for what this op works in.");
  } catch (const std::exception &error) {
    TF_SetStatus(status, TF_INTERNAL, error.what());
  }
}

}  // namespace pefd

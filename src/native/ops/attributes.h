// The attributes of a node while its kernel is made.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "status.h"
#include "tensorflow/c/kernels.h"

namespace pefd {

// All throw StatusIsSet where there is no such attribute.
class Attributes {
 public:
  Attributes(TF_OpKernelConstruction *construction, TF_Status *status) : construction_(construction), status_(status) {}

  int64_t integer(const char *name) const {
    int64_t value = 0;
    TF_OpKernelConstruction_GetAttrInt64(construction_, name, &value, status_);
    check(status_);
    return value;
  }

  float number(const char *name) const {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status_);
    check(status_);
    return value;
  }

  TF_DataType type(const char *name) const {
    TF_DataType value = TF_FLOAT;
    TF_OpKernelConstruction_GetAttrType(construction_, name, &value, status_);
    check(status_);
    return value;
  }

  bool isSet(const char *name) const {
    unsigned char value = 0;
    TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status_);
    check(status_);
    return value != 0;
  }

  std::vector<int64_t> integers(const char *name) const {
    std::vector<int64_t> values(static_cast<size_t>(std::max(0, sizes(name).list)));
    const int count = static_cast<int>(values.size());
    TF_OpKernelConstruction_GetAttrInt64List(construction_, name, values.data(), count, status_);
    check(status_);
    return values;
  }

  std::string text(const char *name) const {
    std::string value(static_cast<size_t>(std::max(0, sizes(name).total)), ' ');
    TF_OpKernelConstruction_GetAttrString(construction_, name, value.data(), value.size(), status_);
    check(status_);
    return value;
  }

 private:
  struct Sizes {
    int32_t list, total;
  };

  Sizes sizes(const char *name) const {
    Sizes sizes = {};
    TF_OpKernelConstruction_GetAttrSize(construction_, name, &sizes.list, &sizes.total, status_);
    check(status_);
    return sizes;
  }

  TF_OpKernelConstruction *const construction_;
  TF_Status *const status_;
};

}  // namespace pefd

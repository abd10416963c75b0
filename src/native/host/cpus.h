// The number of threads that CPU affinity, cgroup quotas and TF_NUM_INTRAOP_THREADS allow.
#pragma once

#include <functional>
#include <string>

namespace pefd {

// The text of a file, empty if there is none.
using ReadFile = std::function<std::string(const std::string &path)>;

// The smallest CPU quota of this process's cgroups (version 1 or 2), up to the outermost visible one; infinity without.
double cpuQuota(const ReadFile &read);

// TF_NUM_INTRAOP_THREADS (`requested`, may be null), or else one thread per available CPU, but no more than the quota.
long threadCount(const char *requested, long cpus, double quota);

// The same for this process.
long processThreadCount();

}  // namespace pefd

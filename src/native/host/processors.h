// How many threads are worth having.
#pragma once

#include <functional>
#include <string>

namespace pefd {

// The text of a file, empty where there is none.
using ReadFile = std::function<std::string(const std::string &path)>;

// Processors whose time the control groups of this process (of either version) leave to it: the smallest quota from its
// own group to the outermost one that it can see, or infinity where none is set.
double cpuQuota(const ReadFile &read);

// As many threads as TF_NUM_INTRAOP_THREADS asks for (`asked` may be null), else one per processor that the process may
// run on, but no more than keep its quota busy.
long threadCount(const char *asked, long processors, double quota);

// The same of this process.
long threadsOfProcess();

}  // namespace pefd

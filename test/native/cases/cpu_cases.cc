// The number of threads from cgroup files, available CPUs and the user's setting.
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "../../../src/native/host/cpus.h"
#include "../cases.h"

namespace pefd::test {
namespace {

using Files = std::map<std::string, std::string>;

constexpr double UNLIMITED = std::numeric_limits<double>::infinity();

const std::string VERSION_2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string VERSION_1 =
    "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n";
const std::string GROUP = "/sys/fs/cgroup", CPU = "/sys/fs/cgroup/cpu,cpuacct";

// The files of a machine with a cgroup of version 2.
Files version2(const std::string &group, Files limits) {
  limits["/proc/self/mountinfo"] = VERSION_2;
  limits["/proc/self/cgroup"] = "0::" + group + "\n";
  return limits;
}

Files version1(const std::string &group, Files limits) {
  limits["/proc/self/mountinfo"] = VERSION_1;
  limits["/proc/self/cgroup"] = "5:memory:/other\n4:cpu,cpuacct:" + group + "\n0::/init.scope\n";
  return limits;
}

Files quota1(const std::string &folder, const std::string &quota) {
  return {{folder + "/cpu.cfs_quota_us", quota}, {folder + "/cpu.cfs_period_us", "100000\n"}};
}

// A container of version 1 whose own group is mounted, while /proc names it as the machine does.
Files container() {
  Files files = quota1(CPU, "300000\n");
  files["/proc/self/mountinfo"] =
      "33 31 0:30 /docker/ab12 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n";
  files["/proc/self/cgroup"] = "4:cpu,cpuacct:/docker/ab12\n";
  return files;
}

struct Machine {
  const char *name;
  Files files;
  double quota;
};

std::vector<Machine> machines() {
  return {
      {"no control groups", {}, UNLIMITED},
      {"version 2, no limit", version2("/", {{GROUP + "/cpu.max", "max 100000\n"}}), UNLIMITED},
      {"version 2, no file", version2("/user.slice", {}), UNLIMITED},
      {"version 2, a limit", version2("/", {{GROUP + "/cpu.max", "150000 100000\n"}}), 1.5},
      {"version 2, of its own group", version2("/a/b", {{GROUP + "/a/b/cpu.max", "400000 200000\n"}}), 2},
      {"version 2, of a group around it",
       version2("/a/b", {{GROUP + "/a/b/cpu.max", "max 100000\n"}, {GROUP + "/a/cpu.max", "50000 100000\n"}}), 0.5},
      {"version 2, the smallest of several",
       version2("/a/b", {{GROUP + "/a/b/cpu.max", "800000 100000\n"}, {GROUP + "/a/cpu.max", "600000 100000\n"}}), 6},
      {"version 2, a group that cannot be seen",
       version2("/../other", {{GROUP + "/cpu.max", "200000 100000\n"}, {GROUP + "/../other/cpu.max", "1 100000"}}), 2},
      {"version 2, a file of another kind", version2("/", {{GROUP + "/cpu.max", "nonsense"}}), UNLIMITED},
      {"version 1, no limit", version1("/", quota1(CPU, "-1\n")), UNLIMITED},
      {"version 1, a limit", version1("/", quota1(CPU, "250000\n")), 2.5},
      {"version 1, of its own group", version1("/a/b", quota1(CPU + "/a/b", "100000\n")), 1},
      {"version 1, of a group around it", version1("/a/b", quota1(CPU + "/a", "700000\n")), 7},
      {"version 1, a container", container(), 3},
      {"version 1, a period of nothing",
       version1("/", {{CPU + "/cpu.cfs_quota_us", "100000"}, {CPU + "/cpu.cfs_period_us", "0"}}), UNLIMITED},
  };
}

struct Count {
  const char *requested;
  long cpus;
  double quota;
  long threads;
};

constexpr Count COUNTS[] = {
    {nullptr, 8, UNLIMITED, 8}, {nullptr, 8, 2, 2}, {nullptr, 8, 1.5, 2},   {nullptr, 8, 0.2, 1}, {nullptr, 2, 16, 2},
    {nullptr, 0, UNLIMITED, 1}, {"3", 8, 2, 3},     {"0", 8, UNLIMITED, 8}, {"-2", 4, 3, 3},      {"many", 4, 3, 3},
    {"", 4, UNLIMITED, 4},
};

Cases cpuCases() {
  Cases cases;
  for (const Machine &machine : machines()) {
    cases.push_back({std::string("quota: ") + machine.name, [=] {
                       const double quota = cpuQuota([&](const std::string &path) {
                         const auto file = machine.files.find(path);
                         return file == machine.files.end() ? "" : file->second;
                       });
                       expect(quota == machine.quota, "the quota is " + std::to_string(quota));
                     }});
  }
  for (const Count &count : COUNTS) {
    const std::string name = std::string("threads: ") + (count.requested == nullptr ? "nothing" : count.requested) +
                             " requested, " + std::to_string(count.cpus) + " cpus, quota " +
                             std::to_string(count.quota);
    cases.push_back({name, [=] {
                       const long threads = threadCount(count.requested, count.cpus, count.quota);
                       expect(threads == count.threads, "there are " + std::to_string(threads));
                     }});
  }
  return cases;
}

const Registered registered{cpuCases};

}  // namespace
}  // namespace pefd::test

#include "cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

namespace pefd {
namespace {

constexpr double UNLIMITED = std::numeric_limits<double>::infinity();

std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string> &list, const std::string &item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// A cgroup hierarchy with the cpu controller: its mount point, and the group that is mounted there.
struct Hierarchy {
  std::string mountPoint, root;
  bool isVersion2;
};

// Lines of /proc/self/mountinfo: "36 35 98:0 /root /mount/point rw master:1 - type source rw,more".
std::vector<Hierarchy> hierarchies(const std::string &mountinfo) {
  std::vector<Hierarchy> found;
  for (const std::string &line : split(mountinfo, '\n')) {
    const size_t dash = line.find(" - ");
    const std::vector<std::string> place = split(line.substr(0, dash), ' ');
    if (dash == std::string::npos || place.size() < 5) continue;
    const std::vector<std::string> kind = split(line.substr(dash + 3), ' ');
    const bool isVersion2 = !kind.empty() && kind[0] == "cgroup2";
    const bool isVersion1 = kind.size() > 2 && kind[0] == "cgroup" && contains(split(kind[2], ','), "cpu");
    if (isVersion1 || isVersion2) found.push_back({place[4], place[3], isVersion2});
  }
  return found;
}

// Lines of /proc/self/cgroup: "4:cpu,cpuacct:/group" in version 1, "0::/group" in version 2.
std::string groupIn(const Hierarchy &hierarchy, const std::string &groups) {
  for (const std::string &line : split(groups, '\n')) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool isIt = hierarchy.isVersion2 ? controllers.empty() : contains(split(controllers, ','), "cpu");
    if (isIt) return line.substr(second + 1);
  }
  return "/";
}

// Leading numbers of a text; none for "max".
std::vector<double> numbers(const std::string &text) {
  std::vector<double> values;
  std::istringstream stream(text);
  for (double value; stream >> value;) values.push_back(value);
  return values;
}

// The quota of one group, in CPUs.
double quotaOf(const std::string &group, bool isVersion2, const ReadFile &read) {
  const std::string text = isVersion2 ? read(group + "/cpu.max")
                                      : read(group + "/cpu.cfs_quota_us") + " " + read(group + "/cpu.cfs_period_us");
  const std::vector<double> values = numbers(text);
  const bool isLimited = values.size() == 2 && values[0] > 0 && values[1] > 0;
  return isLimited ? values[0] / values[1] : UNLIMITED;
}

// The path of a group below the mount point; empty for the mounted group itself, and for an invisible one.
std::string pathBelow(const Hierarchy &hierarchy, const std::string &group) {
  const std::string root = hierarchy.root == "/" ? "" : hierarchy.root;
  const std::string path = group.compare(0, root.size(), root) == 0 ? group.substr(root.size()) : "";
  const bool isPath = path.size() > 1 && path[0] == '/' && path.find("/..") == std::string::npos;
  return isPath ? path : "";
}

double quotaIn(const Hierarchy &hierarchy, const std::string &group, const ReadFile &read) {
  double quota = quotaOf(hierarchy.mountPoint, hierarchy.isVersion2, read);
  for (std::string path = pathBelow(hierarchy, group); !path.empty(); path.erase(path.rfind('/'))) {
    quota = std::min(quota, quotaOf(hierarchy.mountPoint + path, hierarchy.isVersion2, read));
  }
  return quota;
}

std::string readFile(const std::string &path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

long availableCpus() {
  cpu_set_t mine;
  return sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 1;
}

}  // namespace

double cpuQuota(const ReadFile &read) {
  const std::string groups = read("/proc/self/cgroup");
  double quota = UNLIMITED;
  for (const Hierarchy &hierarchy : hierarchies(read("/proc/self/mountinfo"))) {
    quota = std::min(quota, quotaIn(hierarchy, groupIn(hierarchy, groups), read));
  }
  return quota;
}

long threadCount(const char *requested, long cpus, double quota) {
  const long wanted = requested == nullptr ? 0 : std::atol(requested);
  if (wanted > 0) return wanted;
  const double busy = std::min(static_cast<double>(cpus), std::ceil(quota));
  return std::max(1L, static_cast<long>(busy));
}

long processThreadCount() {
  return threadCount(std::getenv("TF_NUM_INTRAOP_THREADS"), availableCpus(), cpuQuota(readFile));
}

}  // namespace pefd

#include "workers.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace pefd {
namespace {

// Work that somebody waits for. Whoever has time takes its next index.
struct Job {
  const long count;
  const Task task;
  void *const context;
  std::atomic<long> next{0};
  // Threads of the pool that look at it; it may not go away before they have left.
  std::atomic<int> visitors{0};

  Job(long count, Task task, void *context) : count(count), task(task), context(context) {}

  bool isOpen() const { return next.load(std::memory_order_relaxed) < count; }

  void help() {
    for (long i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(context, i);
  }
};

// How often a thread looks again before it goes to sleep: some ten microseconds. Jobs follow each other closely, and
// to be woken takes longer.
constexpr int LOOKS = 1000;

template <typename Condition>
void lookFor(Condition condition) {
  for (int i = 0; i < LOOKS && !condition(); i++) __builtin_ia32_pause();
}

// Threads that help whoever has posted a job. Several ops of a graph run at once: each thread that runs one works on
// its own job, and the pool's threads on any.
class Pool {
 public:
  explicit Pool(long threads) {
    for (long i = 1; i < threads; i++) std::thread([this] { serve(); }).detach();
  }

  void run(long count, Task task, void *context) {
    Job job(count, task, context);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(&job);
      posts_++;
    }
    posted_.notify_all();
    job.help();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    const auto isAlone = [&job] { return job.visitors.load(std::memory_order_acquire) == 0; };
    lookFor(isAlone);
    std::unique_lock<std::mutex> lock(mutex_);
    left_.wait(lock, isAlone);
  }

 private:
  Job *openJob() const {
    for (Job *job : jobs_) {
      if (job->isOpen()) return job;
    }
    return nullptr;
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      const long known = posts_;
      Job *job = openJob();
      if (job == nullptr) {
        lock.unlock();
        lookFor([&] { return posts_ != known; });
        lock.lock();
        posted_.wait(lock, [&] { return (job = openJob()) != nullptr; });
      }
      job->visitors++;
      lock.unlock();
      job->help();
      lock.lock();
      if (--job->visitors == 0) left_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable posted_, left_;
  std::vector<Job *> jobs_;
  std::atomic<long> posts_{0};
};

long threadsOfEnvironment() {
  if (const char *asked = std::getenv("TF_NUM_INTRAOP_THREADS")) {
    const long threads = std::atol(asked);
    if (threads > 0) return threads;
  }
  cpu_set_t mine;
  return sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 1;
}

long threads() {
  static const long count = threadsOfEnvironment();
  return count;
}

void parallel(long count, Task task, void *context) {
  if (count <= 1 || threads() == 1) {
    for (long i = 0; i < count; i++) task(context, i);
    return;
  }
  // Never destroyed: its threads run until the process ends.
  static Pool *const pool = new Pool(threads());
  pool->run(count, task, context);
}

struct Memory {
  float *floats = nullptr;
  long size = 0;
  ~Memory() { std::free(floats); }

  float *atLeast(long wanted) {
    if (size < wanted) {
      constexpr size_t LINE = 64;
      const size_t bytes = (static_cast<size_t>(wanted) * sizeof(float) + LINE - 1) / LINE * LINE;
      std::free(floats);
      floats = static_cast<float *>(std::aligned_alloc(LINE, bytes));
      if (floats == nullptr) std::abort();
      size = wanted;
    }
    return floats;
  }
};

}  // namespace

struct Workspace::Memories {
  Memory slots[SLOTS];
};

namespace {

std::mutex freeMutex;
// Never destroyed: TensorFlow's threads run until the process ends.
std::vector<Workspace::Memories *> &freeMemories = *new std::vector<Workspace::Memories *>;
// Of the op that the thread runs; the pool's threads have one of their own.
thread_local Workspace::Memories *current = nullptr;

float *scratch(int slot, long floats) {
  if (current == nullptr) current = new Workspace::Memories;
  return current->slots[slot].atLeast(floats);
}

}  // namespace

Workspace::Workspace() : before_(current) {
  std::lock_guard<std::mutex> lock(freeMutex);
  if (freeMemories.empty()) freeMemories.push_back(new Memories);
  current = freeMemories.back();
  freeMemories.pop_back();
}

Workspace::~Workspace() {
  std::lock_guard<std::mutex> lock(freeMutex);
  freeMemories.push_back(current);
  current = before_;
}

const Host &host() {
  static const Host host{threads(), parallel, scratch};
  return host;
}

}  // namespace pefd

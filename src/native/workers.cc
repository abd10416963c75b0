#include "workers.h"

#include <sched.h>

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
  std::atomic<long> next{0}, done{0};
  // Threads of the pool that look at it; it may not go away before they have left.
  int visitors = 0;

  Job(long count, Task task, void *context) : count(count), task(task), context(context) {}

  void help() {
    for (long i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      task(context, i);
      done.fetch_add(1, std::memory_order_release);
    }
  }
};

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
    }
    posted_.notify_all();
    job.help();
    std::unique_lock<std::mutex> lock(mutex_);
    for (size_t i = 0; i < jobs_.size(); i++) {
      if (jobs_[i] == &job) jobs_.erase(jobs_.begin() + static_cast<long>(i));
    }
    left_.wait(lock, [&job] { return job.visitors == 0; });
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Job *job = nullptr;
      posted_.wait(lock, [&] {
        for (Job *candidate : jobs_) {
          if (candidate->next.load(std::memory_order_relaxed) < candidate->count) job = candidate;
        }
        return job != nullptr;
      });
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
};

float *scratch(int slot, long floats) {
  static thread_local Memory memories[SLOTS];
  Memory &memory = memories[slot];
  if (memory.size < floats) {
    constexpr size_t LINE = 64;
    const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + LINE - 1) / LINE * LINE;
    std::free(memory.floats);
    memory.floats = static_cast<float *>(std::aligned_alloc(LINE, bytes));
    if (memory.floats == nullptr) std::abort();
    memory.size = floats;
  }
  return memory.floats;
}

}  // namespace

const Host &host() {
  static const Host host{threads(), parallel, scratch};
  return host;
}

}  // namespace pefd

// A thread pool with static partitioning and work stealing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "../kernels/kernels.h"

namespace pefd {

// Several ops of a graph run at once: each caller of `run` works on its own job, the pool's threads on any.
class ThreadPool {
 public:
  // `workers` includes the caller of `run`. If the system refuses threads there are fewer.
  explicit ThreadPool(long workers) noexcept;
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;

  long workers() const { return static_cast<long>(threads_.size()) + 1; }

  // Runs task(context, i, worker) for every i below count, and waits. Thread-safe.
  void run(long count, Task task, void *context) noexcept;

 private:
  struct Job;

  Job *openJob() const;
  void add(Job &job);
  void remove(Job &job);
  void serve(long worker);

  std::mutex mutex_;
  std::condition_variable posted_, left_;
  Job *jobs_ = nullptr;
  std::atomic<long> posts_{0};
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pefd

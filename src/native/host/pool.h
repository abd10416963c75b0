// Threads that kernels run on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "../kernels/kernels.h"

namespace pefd {

// Threads that help whoever calls `run`. Several ops of a graph run at once: each thread that runs one works on its own
// job, and the pool's threads on any.
class Pool {
 public:
  // Room for as many workers, of whom the caller of `run` is one. Where the system refuses threads there are fewer.
  explicit Pool(long workers) noexcept;
  ~Pool();
  Pool(const Pool &) = delete;

  long workers() const { return static_cast<long>(threads_.size()) + 1; }

  // Runs task(context, i, worker) for every i below count, and returns when all are done. Any thread may call it.
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

// The thread pool: every index once, each worker its own range first, no two concurrent tasks of one worker, several
// callers, and fewer threads than requested.
#include <sys/resource.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "../../../src/native/host/thread_pool.h"
#include "../cases.h"
#include "../kernels/convolutions.h"
#include "../reference.h"
#include "../test_host.h"

namespace pefd::test {
namespace {

struct Seen {
  Seen(long count, long workers) : times(count), isBusy(workers) {}

  std::vector<std::atomic<int>> times;
  std::vector<std::atomic<bool>> isBusy;
  std::atomic<bool> collided{false};
};

void look(void *context, long index, long worker) noexcept {
  Seen &seen = *static_cast<Seen *>(context);
  if (worker < 0 || worker >= static_cast<long>(seen.isBusy.size())) {
    seen.collided = true;
    return;
  }
  if (seen.isBusy[worker].exchange(true)) seen.collided = true;
  seen.times[index]++;
  seen.isBusy[worker] = false;
}

void runJob(ThreadPool &pool, long count) {
  Seen seen(count, pool.workers());
  pool.run(count, look, &seen);
  for (const std::atomic<int> &times : seen.times) expect(times == 1, "an index was not run once");
  expect(!seen.collided, "a worker had two tasks at once");
}

void oneCaller(long workers) {
  ThreadPool pool(workers);
  expect(pool.workers() == std::max(1L, workers), "the pool has another number of workers");
  for (long count : {0L, 1L, 2L, 3L, 100L, 5000L}) {
    for (int time = 0; time < 20; time++) runJob(pool, count);
  }
}

// With as many tasks as workers, each waiting for all others, every worker gets the task of its number.
void ownParts(long workers) {
  struct Meeting {
    std::atomic<long> arrived{0};
    std::vector<long> workerOf;
  };
  Meeting meeting;
  ThreadPool pool(workers);
  for (int time = 0; time < 20; time++) {
    meeting.arrived = 0;
    meeting.workerOf.assign(workers, -1);
    pool.run(
        workers,
        [](void *context, long index, long worker) noexcept {
          Meeting &meeting = *static_cast<Meeting *>(context);
          meeting.workerOf[index] = worker;
          meeting.arrived++;
          while (meeting.arrived < static_cast<long>(meeting.workerOf.size())) std::this_thread::yield();
        },
        &meeting);
    for (long index = 0; index < workers; index++) {
      expect(meeting.workerOf[index] == index, "task " + std::to_string(index) + " was another worker's");
    }
  }
}

void severalCallers(long workers) {
  ThreadPool pool(workers);
  std::vector<std::string> problems(4);
  std::vector<std::thread> callers;
  for (std::string &problem : problems) {
    callers.emplace_back([&pool, &problem] {
      try {
        for (long time = 0; time < 200; time++) runJob(pool, 1 + time % 37);
      } catch (const std::exception &error) {
        problem = error.what();
      }
    });
  }
  for (std::thread &caller : callers) caller.join();
  for (const std::string &problem : problems) expect(problem.empty(), problem);
}

// Two concurrent convolutions on one pool have the bits of one.
void twoOpsAtOnce() {
  if (kernelSets().empty()) return;
  const Kernels &kernels = *kernelSets().front().kernels;
  const Convolution conv{4, 9, 9, 32, 32, 3, 1};
  const Operands operands(conv);
  const auto forward = [&](const Host &host, Floats &y) {
    return kernels.forward(host, conv, operands.x.data(), operands.filter.data(), {}, y.data());
  };
  Floats alone(resultFloats(conv));
  const TestHost host(1);
  expect(forward(host.host(), alone) == Outcome::DONE, "out of memory");
  std::vector<Floats> results(2, Floats(resultFloats(conv)));
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  for (Floats &result : results) {
    callers.emplace_back([&] {
      const TestHost own(pool);
      for (int time = 0; time < 10; time++) forward(own.host(), result);
    });
  }
  for (std::thread &caller : callers) caller.join();
  for (const Floats &result : results) expectSameBits(result, alone);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// With little room for stacks, the system refuses threads. (Sanitizers need more room than that themselves.)
void fewerThreads() {
  rlimit before;
  getrlimit(RLIMIT_AS, &before);
  rlimit little = before;
  little.rlim_cur = rlim_t{512} << 20;
  setrlimit(RLIMIT_AS, &little);
  ThreadPool pool(2000);
  setrlimit(RLIMIT_AS, &before);
  expect(pool.workers() < 2000, "two thousand stacks fit into little room");
  runJob(pool, 5000);
}
#endif

Cases threadPoolCases() {
  Cases cases;
  for (long workers = 0; workers <= MAX_WORKERS; workers++) {
    const std::string name = std::to_string(workers) + " workers: ";
    cases.push_back({name + "every index once", [=] { oneCaller(workers); }});
    cases.push_back({name + "four callers at once", [=] { severalCallers(workers); }});
    if (workers > 0) cases.push_back({name + "parts of their own", [=] { ownParts(workers); }});
  }
  cases.push_back({"two ops at once", twoOpsAtOnce});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  cases.push_back({"the system refuses threads", fewerThreads});
#endif
  return cases;
}

const Registered registered{threadPoolCases};

}  // namespace
}  // namespace pefd::test

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

struct worker_options {
    std::size_t count = 0; ///< threads; 0: one for each processor that this process may run on
    bool pin = false;      ///< each thread to one processor, in turn (sched_setaffinity(2))
    loop_options loop{};   ///< of each thread's loop
};

/// Threads with a loop and a ring each, which run the tasks that are handed to them: `co_await run_on(cores[0], task)`.
///
/// They sleep while they have nothing to do. Their signals are blocked: those go to the threads that ask for them. Made
/// and destroyed on one thread; destroying them ends the threads, which must have no task left: declare the workers before
/// the scopes and tasks that hand them work.
class workers {
public:
    /// Returns once every loop is there. Throws `ring_error` when one cannot be set up, `std::system_error` when a thread
    /// cannot be started; nothing is left running then.
    explicit workers(worker_options options = {});
    workers(const workers&) = delete;
    workers& operator=(const workers&) = delete;
    ~workers();

    std::size_t size() const noexcept { return handles_.size(); }
    const loop_handle& operator[](std::size_t index) const noexcept {
        require(index < size(), "there is no worker of that index");
        return handles_[index];
    }
    auto begin() const noexcept { return handles_.begin(); }
    auto end() const noexcept { return handles_.end(); }

    /// Runs `work(index)`, a function that gives a `task<>`, on every worker at once and waits for all of them: the first
    /// exception stops the others and is thrown from here, and a stop reaches all. Each call is made on its worker's own
    /// thread, on the one `work` that they share.
    template <class Work>
    task<> run_on_each(Work work) {
        scope all;
        for (std::size_t index = 0; index < size(); ++index) {
            auto call = [&work, index] { return work(index); };
            all.spawn(run_on(handles_[index], call));
        }
        co_await all.join();
    }

private:
    class thread;

    std::vector<std::unique_ptr<thread>> threads_;
    std::vector<loop_handle> handles_;
};

} // namespace tuyau

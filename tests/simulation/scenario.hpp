#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "action.hpp"
#include "kernel/kernel.hpp"

namespace simulation {

/// One story: it lets a program run in a kernel whose seed decides the rest, and looks at what must hold whatever happens.
struct scenario {
    std::string_view name;
    void (*run)(kernel& here);
};

std::span<const scenario> all_scenarios() noexcept;

/// What must hold; otherwise the run ends with the message, its seed, and what came before.
template <class... Arguments>
void expect(bool holds, fmt::format_string<Arguments...> message, Arguments&&... arguments) {
    if (!holds) kernel::current().violation(fmt::format(message, std::forward<Arguments>(arguments)...));
}

/// Whether this fault has struck anybody in the present kernel, or any of these.
inline bool has_happened(fault kind) {
    return kernel::current().weather().counts()[static_cast<std::size_t>(kind)] != 0;
}
inline bool any_has_happened(std::initializer_list<fault> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), has_happened);
}

/// Runs the main function of a program with these arguments, its name first; its exit code.
int run_program(int (*program)(int, char**), const std::vector<std::string>& arguments);

/// Until somebody listens on the port.
action<> until_listening(std::uint16_t port);

/// Until something holds. It looks seldom when that takes long, so that an hour costs little.
template <class Condition>
action<> until(Condition holds) {
    for (duration span = 100us; !holds(); span = std::min<duration>(2 * span, 10s)) co_await pause(span);
}

/// Peers that run side by side. They must all have ended, or the kernel must not go on, when this is destroyed.
class peers {
public:
    void start(action<> each) {
        ++running_;
        all_.push_back(run(std::move(each)));
        all_.back().start();
    }
    bool done() const noexcept { return running_ == 0; }

    /// `co_await all.end()`: until none runs. For one at a time.
    auto end() noexcept {
        struct awaiter {
            peers& owner;
            bool await_ready() const noexcept { return owner.done(); }
            void await_suspend(std::coroutine_handle<> handle) const noexcept { owner.waiter_ = handle; }
            void await_resume() const noexcept {}
        };
        return awaiter{*this};
    }

private:
    action<> run(action<> each) {
        co_await each;
        if (--running_ == 0 && waiter_)
            kernel::current().time().after(0ns, [next = std::exchange(waiter_, nullptr)] { next.resume(); });
    }

    std::vector<action<>> all_;
    std::size_t running_ = 0;
    std::coroutine_handle<> waiter_;
};

} // namespace simulation

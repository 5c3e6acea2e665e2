#pragma once

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

/// Runs the main function of a program with these arguments, its name first; its exit code.
int run_program(int (*program)(int, char**), const std::vector<std::string>& arguments);

/// Until somebody listens on the port.
action<> until_listening(std::uint16_t port);

/// Peers that run side by side. They must all have ended, or time must not go on, when this is destroyed.
class peers {
public:
    void start(action<> each) {
        all_.push_back(std::move(each));
        all_.back().start();
    }
    bool done() const noexcept {
        for (const action<>& each : all_)
            if (!each.done()) return false;
        return true;
    }
    std::size_t size() const noexcept { return all_.size(); }

    /// Until all have ended.
    action<> end() const {
        while (!done()) co_await pause(1ms);
    }

private:
    std::vector<action<>> all_;
};

} // namespace simulation

#pragma once

#include <string>
#include <string_view>

#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// Standard error, written to beside all else: who says something does not wait. What cannot be said there is not said at
/// all. A terminal is shown no control characters of others.
class messages {
public:
    messages();

    bool on_terminal() const noexcept { return on_terminal_; }

    /// Whole lines, each with its end.
    void say(std::string_view lines);

    /// Instructions to the terminal, as they are.
    void draw(std::string_view text);

    /// Whether all has been written.
    bool idle() const noexcept { return writing_.empty(); }

    /// Waits until it is.
    tuyau::task<> flush();

private:
    tuyau::task<> write_what_waits();
    void write(std::string text);

    bool on_terminal_;
    std::string waiting_;
    tuyau::scope writing_; // last: its child uses all of the above
};

} // namespace uring_client

#include "messages.hpp"

#include <unistd.h>
#include <utility>

#include <tuyau/runtime/file.hpp>

#include "terminal_text.hpp"

namespace uring_client {

messages::messages() : on_terminal_(::isatty(STDERR_FILENO) == 1) {}

void messages::say(std::string_view lines) { write(on_terminal_ ? shown_on_terminal(lines) : std::string(lines)); }

void messages::draw(std::string_view text) { write(std::string(text)); }

void messages::write(std::string text) {
    waiting_ += text;
    if (!waiting_.empty() && writing_.empty()) writing_.spawn(write_what_waits());
}

tuyau::task<> messages::write_what_waits() {
    while (!waiting_.empty()) {
        const std::string text = std::exchange(waiting_, {});
        auto written = co_await tuyau::write_all(STDERR_FILENO, std::string_view(text));
        (void)written;
    }
}

tuyau::task<> messages::flush() { co_await writing_.join(); }

} // namespace uring_client

#include "client_session.hpp"

#include <fcntl.h>
#include <unistd.h>

int uring_client_main(int, char**);

namespace simulation::scenarios {

client_session::client_session(kernel& here)
    : here_(here), input_(here.open_input(STDIN_FILENO)), output_(here.open_output(STDOUT_FILENO)),
      errors_(here.open_output(STDERR_FILENO)), writer_(here, input_) {
    if (random().chance(0.1)) {
        output_->room = random().one_of<std::size_t>(10, 300, 4096);
        crowd_.start(read_output_slowly(random().one_of<duration>(0ns, 1ms, 20ms)));
    } else if (random().chance(0.05)) {
        crowd_.start(close_output(here_.random_delay(random().one_of<duration>(0ns, 1ms, 100ms))));
    }
}

int client_session::run(const std::vector<std::string>& arguments) {
    const instant began = here_.now();
    const int code = run_program(uring_client_main, arguments);
    seconds_ = std::chrono::duration<double>(here_.now() - began).count();
    printed_ += output_->bytes.take(output_->bytes.size());
    complaints_ = errors_->bytes.take(errors_->bytes.size());
    return code;
}

action<> client_session::feed(std::string text, bool then_end) {
    std::string_view left = text;
    while (!left.empty()) {
        const auto size =
            random().between<std::size_t>(1, std::min<std::size_t>(left.size(), random().one_of(10, 5000)));
        const outcome written = writer_.write(left.data(), size);
        if (written && *written < 0) co_return;
        if (written)
            left.remove_prefix(static_cast<std::size_t>(*written));
        else
            co_await writer_.change();
        if (random().chance(0.2)) co_await pause(here_.random_delay(random().one_of<duration>(1ms, 100ms)));
    }
    fed_all_ = true;
    if (then_end) writer_.released();
}

action<> client_session::read_output_slowly(duration most) {
    reader_ = std::make_unique<pipe_reader>(here_, output_);
    std::string space(4096, '\0');
    for (;;) {
        const outcome got = reader_->read(space.data(), random().between<std::size_t>(1, space.size()));
        if (got)
            printed_.append(space.data(), static_cast<std::size_t>(*got));
        else
            co_await reader_->change();
        co_await pause(here_.random_delay(most));
    }
}

action<> client_session::close_output(duration after) {
    co_await pause(after);
    output_was_closed_ = true;
    output_->readable = false;
    if (output_->writer != nullptr) output_->writer->changed();
}

bool client_session::is_excused(int code) {
    if (code == not_connected)
        return any_has_happened({fault::connection_reset, fault::connection_timed_out, fault::connection_refused,
                                 fault::process_out_of_descriptors});
    if (code == timed_out) return has_happened(fault::connection_timed_out);
    return (code == send_failed || code == receive_failed) &&
           any_has_happened({fault::connection_reset, fault::connection_timed_out});
}

action<bool> send_at_ease(kernel& here, peer& to, std::string_view text) {
    random_source& random = here.random();
    if (random.chance(0.5)) co_return co_await to.send(std::string(text));
    const auto most = random.one_of<std::size_t>(1, 20, 3000);
    const duration between = random.one_of<duration>(0ns, 1ms, 50ms);
    std::size_t pieces = 0;
    while (!text.empty()) {
        // Enough of them is enough: the rest goes in one.
        const std::size_t size =
            ++pieces < 300 ? random.between<std::size_t>(1, std::min(text.size(), most)) : text.size();
        if (!co_await to.send(std::string(text.substr(0, size)))) co_return false;
        text.remove_prefix(size);
        if (between > 0ns) co_await pause(here.random_delay(between));
    }
    co_return true;
}

} // namespace simulation::scenarios

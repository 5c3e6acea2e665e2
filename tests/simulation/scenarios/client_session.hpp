#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../peer.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

// The program's exit codes, as its help lists them.
inline constexpr int done = 0;
inline constexpr int not_connected = 7;
inline constexpr int malformed = 8;
inline constexpr int cut_short = 18;
inline constexpr int not_written = 23;
inline constexpr int not_read = 26;
inline constexpr int timed_out = 28;
inline constexpr int empty_reply = 52;
inline constexpr int send_failed = 55;
inline constexpr int receive_failed = 56;

/// One run of uring-client, with its standard streams in the hands of the scenario.
class client_session {
public:
    explicit client_session(kernel& here);

    /// Its exit code.
    int run(const std::vector<std::string>& arguments);

    /// Gives it something to read, in pieces, and then the end, if there is to be one.
    action<> feed(std::string text, bool then_end);

    /// Whether the program has read all that `feed` was to give it.
    bool has_read_all() const noexcept { return fed_all_ && input_->bytes.size() == 0; }

    const std::string& printed() const noexcept { return printed_; }
    const std::string& complaints() const noexcept { return complaints_; }
    double seconds() const noexcept { return seconds_; }

    /// Whether the weather may have made it end with this code: it has one connection.
    static bool is_excused(int code);

    /// Whether somebody has closed the program's output before its end.
    bool output_was_closed() const noexcept { return output_was_closed_; }

    kernel& here() noexcept { return here_; }
    random_source& random() noexcept { return here_.random(); }

private:
    action<> read_output_slowly(duration most);
    action<> close_output(duration after);

    kernel& here_;
    std::shared_ptr<pipe_buffer> input_;
    std::shared_ptr<pipe_buffer> output_;
    std::shared_ptr<pipe_buffer> errors_;
    pipe_writer writer_;
    std::unique_ptr<pipe_reader> reader_; // of the output, if somebody reads it while it comes
    peers crowd_;
    bool fed_all_ = false;
    std::string printed_;
    std::string complaints_;
    double seconds_ = 0;
    bool output_was_closed_ = false;
};

/// Sends at once, or in pieces with pauses between; whether all has gone out.
action<bool> send_at_ease(kernel& here, peer& to, std::string_view text);

} // namespace simulation::scenarios

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tests {

inline constexpr std::chrono::seconds patience{60}; // for what comes in milliseconds; only a failure takes longer

/// A program under test, with its standard streams on pipes. It is killed and reaped when this object is destroyed.
class process {
public:
    /// `program` is looked up in PATH unless it has a slash. Throws when it cannot be started.
    explicit process(std::vector<std::string> command);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    pid_t id() const noexcept { return id_; }

    /// Writes to standard input; `close_input` ends it.
    void write(const std::string& text);
    void close_input();

    /// The next line of standard output, without its end; nothing at the end of the output. Throws when none comes.
    std::optional<std::string> read_line();

    /// The same of standard error.
    std::optional<std::string> read_error_line();

    /// Reads standard output until it contains `text`, and gives all that was read. Throws when it does not come.
    std::string read_until(const std::string& text);

    /// Everything that is left of standard output and standard error, until both end.
    std::string read_output();
    std::string read_errors();

    void signal(int number) const;

    /// Stops it (SIGSTOP), and returns once it stands still; `resume` lets it go on.
    void stop();
    void resume() const;

    /// Waits for its end: the exit code, or minus the signal's number. Throws when it does not end.
    int wait();

    /// Whether it has not ended.
    bool running();

    /// Open descriptors of the process.
    std::size_t descriptors() const;

    std::size_t threads() const;

    /// Bytes of its own memory that are in use: all but what lies in files.
    std::size_t memory() const;

private:
    std::size_t entries_of(const char* folder) const; // in /proc
    bool read_more(int fd, std::string& into);
    std::optional<std::string> read_line(int fd, std::string& pending);

    pid_t id_ = -1;
    int input_ = -1;
    int output_ = -1;
    int errors_ = -1;
    std::string pending_output_;
    std::string pending_errors_;
    std::optional<int> status_;
};

struct outcome {
    int code;
    std::string output;
    std::string errors;
};

/// Runs a command to its end with `input` on its standard input.
outcome run(std::vector<std::string> command, const std::string& input = {});

/// The path of one of our own programs, built beside the tests.
std::string program(const std::string& name);

} // namespace tests

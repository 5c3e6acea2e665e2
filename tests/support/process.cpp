#include "process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace tests {
namespace {

using clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

int left(clock::time_point until) {
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    return rest > 0 ? static_cast<int>(rest) : 0;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

} // namespace

process::process(std::vector<std::string> command) {
    int in[2];
    int out[2];
    int err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) fail("no pipe left");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    std::vector<char*> arguments;
    for (std::string& each : command) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    const int error = posix_spawnp(&id_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    input_ = in[1];
    output_ = out[0];
    errors_ = err[0];
    // A write to a program that has ended is to fail, not to end the tests.
    std::signal(SIGPIPE, SIG_IGN);
    if (error != 0) {
        id_ = -1;
        fail("cannot start " + command[0] + ": " + std::strerror(error));
    }
}

process::~process() {
    if (id_ > 0 && !status_) {
        ::kill(id_, SIGKILL);
        int status = 0;
        ::waitpid(id_, &status, 0);
    }
    close_input();
    if (output_ >= 0) ::close(output_);
    if (errors_ >= 0) ::close(errors_);
}

void process::write(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t size = ::write(input_, text.data() + done, text.size() - done);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) fail(std::string("cannot write to the program: ") + std::strerror(errno));
        done += static_cast<std::size_t>(size);
    }
}

void process::close_input() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
}

bool process::read_more(int fd, std::string& into) {
    const auto until = clock::now() + patience;
    for (;;) {
        pollfd waited{fd, POLLIN, 0};
        const int ready = ::poll(&waited, 1, left(until));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) fail("the program said nothing more; so far: " + into);
        char bytes[65536];
        const ssize_t size = ::read(fd, bytes, sizeof bytes);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        into.append(bytes, static_cast<std::size_t>(size));
        return true;
    }
}

std::optional<std::string> process::read_line() { return read_line(output_, pending_output_); }
std::optional<std::string> process::read_error_line() { return read_line(errors_, pending_errors_); }

std::optional<std::string> process::read_line(int fd, std::string& pending) {
    for (;;) {
        const auto end = pending.find('\n');
        if (end != std::string::npos) {
            std::string line = pending.substr(0, end);
            pending.erase(0, end + 1);
            return line;
        }
        if (!read_more(fd, pending)) {
            if (pending.empty()) return std::nullopt;
            return std::exchange(pending, {});
        }
    }
}

std::string process::read_until(const std::string& text) {
    while (pending_output_.find(text) == std::string::npos)
        if (!read_more(output_, pending_output_)) fail("the output ended without '" + text + "': " + pending_output_);
    return std::exchange(pending_output_, {});
}

std::string process::read_output() {
    while (read_more(output_, pending_output_)) {}
    return std::exchange(pending_output_, {});
}

std::string process::read_errors() {
    while (read_more(errors_, pending_errors_)) {}
    return std::exchange(pending_errors_, {});
}

void process::signal(int number) const {
    if (!status_) ::kill(id_, number);
}

void process::stop() {
    signal(SIGSTOP);
    int status = 0;
    while (::waitpid(id_, &status, WUNTRACED) < 0)
        if (errno != EINTR) fail("there is no program to stop");
    if (WIFSTOPPED(status)) return;
    status_ = exit_code(status);
    fail("the program ended before it could be stopped");
}

void process::resume() const { signal(SIGCONT); }

int process::wait() {
    const auto until = clock::now() + patience;
    while (running()) {
        if (clock::now() > until) fail("the program did not end");
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return *status_;
}

bool process::running() {
    if (status_) return false;
    int status = 0;
    if (::waitpid(id_, &status, WNOHANG) == id_) status_ = exit_code(status);
    return !status_;
}

std::size_t process::descriptors() const { return entries_of("fd"); }
std::size_t process::threads() const { return entries_of("task"); }

std::size_t process::entries_of(const char* folder) const {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(id_) + "/" + folder);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t process::memory() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/smaps_rollup");
    std::string word;
    while (file >> word && word != "Anonymous:") {}
    std::size_t kibibytes = 0;
    if (!(file >> kibibytes)) fail("the kernel does not tell how much memory the program uses");
    return kibibytes * 1024;
}

outcome run(std::vector<std::string> command, const std::string& input) {
    process child(std::move(command));
    std::thread writer([&] {
        try {
            child.write(input);
        } catch (const std::exception&) {
            // It ended without reading all of its input, as it may.
        }
        child.close_input();
    });
    std::string errors;
    std::thread reader([&] { errors = child.read_errors(); });
    std::string output;
    try {
        output = child.read_output();
    } catch (...) {
        child.signal(SIGKILL);
        reader.join();
        writer.join();
        throw;
    }
    reader.join();
    writer.join();
    return {child.wait(), std::move(output), std::move(errors)};
}

std::string program(const std::string& name) { return std::string(TUYAU_PROGRAMS) + "/" + name; }

} // namespace tests

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/memory_tells.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"

namespace tests {

/// The exit codes of uring-client that more than one test looks for.
enum exit_code { done = 0, malformed = 8, cut_short = 18, timed_out = 28, empty_reply = 52, receive_failed = 56 };

inline const std::string ok = "HTTP/1.1 200 OK\r\n";
inline const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

inline std::string sized(const std::string& body) {
    return ok + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server on a thread of its own: it takes one connection, does with it what its script says, and closes it.
class one_client_server {
public:
    using script = std::function<void(socket_client&)>;

    explicit one_client_server(script what)
        : thread_([this, serve = std::move(what)] {
              try {
                  socket_client client(server_.accept());
                  serve(client);
              } catch (const std::exception& error) {
                  trouble_ = error.what();
              }
          }) {}
    ~one_client_server() { finish(); }

    std::string port() const { return std::to_string(server_.port()); }
    std::string host() const { return "127.0.0.1:" + port(); }
    std::string url(const std::string& target = "/") const { return "http://" + host() + target; }

    void finish() {
        if (thread_.joinable()) thread_.join();
    }

    /// What went wrong in the script, once it is through; empty: nothing.
    const std::string& trouble() {
        finish();
        return trouble_;
    }

private:
    socket_server server_;
    std::string trouble_;
    std::thread thread_;
};

/// A whole request, with the body that it announces.
inline std::string read_request(socket_client& client) {
    std::string all = client.receive_until("\r\n\r\n");
    const auto head_size = all.find("\r\n\r\n") + 4;
    const std::string name = "\r\nContent-Length: ";
    const auto field = all.find(name);
    if (field == std::string::npos || field > head_size) return all;
    const auto whole = head_size + std::stoul(all.substr(field + name.size()));
    if (all.size() < whole) all += client.receive_exactly(whole - all.size());
    return all;
}

/// A server that reads one request, and does what its script says.
class answering_server {
public:
    explicit answering_server(one_client_server::script answer)
        : server_([this, what = std::move(answer)](socket_client& client) {
              request_ = read_request(client);
              what(client);
          }) {}

    explicit answering_server(std::string response)
        : answering_server([text = std::move(response)](socket_client& client) { client.send(text); }) {}

    std::string host() const { return server_.host(); }
    std::string url(const std::string& target = "/") const { return server_.url(target); }

    /// The request as it came, once the script is through.
    const std::string& request() {
        server_.finish();
        return request_;
    }

    const std::string& trouble() { return server_.trouble(); }

private:
    std::string request_;
    one_client_server server_;
};

inline std::vector<std::string> ours(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("uring-client"));
    return arguments;
}

inline std::vector<std::string> curl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"curl", "-q", "-sS", "--noproxy", "*"});
    return arguments;
}

/// A failure is said in one line that begins with the program's name.
inline void check_one_line(const outcome& what, const std::string& contains) {
    INFO(what.errors);
    CHECK(what.errors.starts_with("uring-client: "));
    CHECK(std::count(what.errors.begin(), what.errors.end(), '\n') == 1);
    CHECK(what.errors.ends_with('\n'));
    CHECK(what.errors.find(contains) != std::string::npos);
}

/// Every byte value, and no period that a block size could hide behind.
inline std::string random_bytes(std::size_t size) {
    std::mt19937_64 random(size);
    std::string bytes(size, '\0');
    for (char& each : bytes) each = static_cast<char>(random());
    return bytes;
}

/// Numbers in a text that has nothing else.
inline std::vector<double> numbers_in(const std::string& text) {
    std::istringstream from(text);
    return {std::istream_iterator<double>(from), {}};
}

/// For big strings: a CHECK of it does not print them.
inline bool same(const std::string& left, const std::string& right) { return left == right; }

/// A folder of its own for a test's files, removed with all that is in it.
class temporary_folder {
public:
    temporary_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "uring-client-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    bool empty() const { return std::filesystem::is_empty(path_); }
    std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
    }

private:
    std::filesystem::path path_;
};

inline std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A port of 127.0.0.1 on which nobody listens.
inline std::string closed_port() { return std::to_string(socket_server().port()); }

/// Where a server of somebody else's is not installed the test is skipped, unless it was asked for.
inline void need_program(const std::string& name) {
    if (run({"sh", "-c", "PATH=$PATH:/usr/sbin; command -v " + name}).code == 0) return;
    if (std::getenv("TUYAU_WITH_PEERS") != nullptr) FAIL(name << " was not found");
    SKIP(name << " is not installed (./check --with-peers does that)");
}

/// A server of somebody else's, which listens at ports that were free a moment before, as its configuration says.
class foreign_server {
public:
    /// Waits until it answers at `alive`.
    foreign_server(std::vector<std::string> command, const std::string& alive)
        : program_(with_path(std::move(command))) {
        while (program_.running() && run(curl({"-k", "-o", "/dev/null", "-m", "5", alive})).code != 0) {}
        if (!program_.running()) throw std::runtime_error("it does not serve: " + program_.read_errors());
    }

private:
    /// Servers are installed where not every user's PATH leads.
    static std::vector<std::string> with_path(std::vector<std::string> command) {
        command.insert(command.begin(), {"sh", "-c", "PATH=$PATH:/usr/sbin; exec \"$@\"", "sh"});
        return command;
    }

    process program_;
};

/// Without what differs from one moment to the next.
inline std::string without_date(std::string text) {
    for (auto at = text.find("Date: "); at != std::string::npos; at = text.find("Date: ", at))
        text.erase(at, text.find('\n', at) - at + 1);
    return text;
}

} // namespace tests

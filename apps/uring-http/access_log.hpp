#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/combined_log.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/task.hpp>

/// A log of all threads' responses, in the combined format. Who adds a line never waits: lines are gathered in memory, a
/// bounded queue a thread, and written by one coroutine, many at a time. While the file takes them slower than they come,
/// or not at all, lines are lost, which is told on standard error.
class access_log {
public:
    /// The lines of one thread until they are written.
    class queue {
    public:
        explicit queue(access_log& owner) noexcept : owner_(owner) {}

        /// On the thread whose queue it is.
        void add(const tuyau::http::answered& what);

        /// Exchanges the lines for an empty string; how many were lost since the last time. On any thread.
        std::uint64_t take(std::string& lines) noexcept;

    private:
        access_log& owner_;
        tuyau::http::log_clock clock_;
        std::mutex lock_;
        std::string lines_;
        std::uint64_t lost_ = 0;
    };

    /// The log at `path`, to which lines are appended; `-` is standard output. Throws `std::runtime_error` with a line
    /// about what cannot be opened.
    static tuyau::task<std::unique_ptr<access_log>> open(std::string path, std::size_t threads);

    static bool is_file(std::string_view path) noexcept { return !path.empty() && path != "-"; }

    access_log(const access_log&) = delete;
    access_log& operator=(const access_log&) = delete;
    ~access_log();

    queue& of_thread(std::size_t index) noexcept { return *queues_[index]; }

    /// Writes what comes, until `close` and the last line. One coroutine does; the functions below are for its thread.
    tuyau::task<> write();

    /// Opens the file anew before the next lines are written: it has been renamed, and a new one takes its place.
    void reopen() noexcept;

    /// Nothing more will be added.
    void close() noexcept;

    /// Says how many lines were lost in all, if any were.
    void tell_losses() const;

private:
    access_log(std::string path, std::size_t threads);

    tuyau::task<> open_again();
    tuyau::task<> write_queued();
    tuyau::task<> write_lines(std::string_view lines);
    void give_up(std::string_view lines, const std::error_code& trouble);
    void tell_of_recovery();

    const std::string path_;
    tuyau::file file_;
    std::vector<std::unique_ptr<queue>> queues_;
    tuyau::concurrent::event came_;   // something, to an empty queue
    tuyau::concurrent::event plenty_; // enough to be written at once
    std::string batch_;               // what is being written
    std::uint64_t lost_ = 0;
    std::uint64_t lost_and_told_ = 0;
    tuyau::loop::clock::time_point told_{};
    bool broken_ = false; // the last write failed
    bool torn_ = false;   // in the middle of a line
    bool reopening_ = false;
    bool closed_ = false;
};

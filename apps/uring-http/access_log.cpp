#include "access_log.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/timer.hpp>

#include "say.hpp"

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

// Of a thread: some seconds' worth of a busy one, for a disk that has much else to do.
constexpr std::size_t most_queued = 4 * 1024 * 1024;

// Lines wait for others to be written with, so long at most.
constexpr std::size_t enough_to_write = 64 * 1024;
constexpr auto gathering_time = 100ms;

constexpr auto time_between_complaints = 10s;

std::string name_of(const std::string& path) {
    return access_log::is_file(path) ? fmt::format("the access log '{}'", path) : "the access log to standard output";
}

const char* advice_on(const std::error_code& trouble) {
    if (trouble == std::errc::no_such_file_or_directory) return " (the folder it is to lie in is not there)";
    if (trouble == std::errc::is_a_directory) return " (a file is what can be written)";
    if (trouble == std::errc::permission_denied) return " (this user needs to write it)";
    return "";
}

} // namespace

void access_log::queue::add(const http::answered& what) {
    const std::string_view time = clock_.now();
    bool is_first = false;
    bool is_enough = false;
    {
        const std::lock_guard guard(lock_);
        const std::size_t before = lines_.size();
        http::append_combined_line(lines_, what, time);
        if (lines_.size() > most_queued) {
            lines_.resize(before);
            ++lost_;
            return;
        }
        is_first = before == 0;
        is_enough = before < enough_to_write && lines_.size() >= enough_to_write;
    }
    if (is_first) owner_.came_.set();
    if (is_enough) owner_.plenty_.set();
}

std::uint64_t access_log::queue::take(std::string& lines) noexcept {
    lines.clear();
    const std::lock_guard guard(lock_);
    lines.swap(lines_);
    return std::exchange(lost_, 0);
}

access_log::access_log(std::string path, std::size_t threads) : path_(std::move(path)) {
    for (std::size_t index = 0; index < threads; ++index) queues_.push_back(std::make_unique<queue>(*this));
}

access_log::~access_log() {
    if (!is_file(path_)) file_.release();
}

task<std::unique_ptr<access_log>> access_log::open(std::string path, std::size_t threads) {
    ::tzset(); // reads the time zone's file, so that nobody waits for it later
    std::unique_ptr<access_log> here(new access_log(std::move(path), threads));
    if (!is_file(here->path_)) {
        here->file_ = file(STDOUT_FILENO);
        co_return here;
    }
    auto opened = co_await open_to_append(here->path_);
    if (!opened) {
        throw std::runtime_error(fmt::format("cannot open {}: {}{}", name_of(here->path_), opened.error().message(),
                                             advice_on(opened.error())));
    }
    here->file_ = std::move(*opened);
    co_return here;
}

task<> access_log::write() {
    wait_limit limit(co_await this_chain());
    for (bool more = true; more;) {
        auto something = co_await came_.wait();
        if (!something) break;
        limit.expires_after(gathering_time);
        co_await plenty_.wait();
        limit.clear();
        came_.reset();
        plenty_.reset();
        more = !closed_;
        if (std::exchange(reopening_, false)) co_await open_again();
        co_await write_queued();
        const auto now = loop::current().now();
        if (lost_ == lost_and_told_ || broken_ || now - told_ < time_between_complaints) continue;
        say(fmt::format("{} takes lines slower than they come: {} were lost", name_of(path_), lost_ - lost_and_told_));
        lost_and_told_ = lost_;
        told_ = now;
    }
    for (const auto& each : queues_) { // if it was stopped before the end
        lost_ += each->take(batch_);
        lost_ += static_cast<std::uint64_t>(std::count(batch_.begin(), batch_.end(), '\n'));
    }
}

void access_log::reopen() noexcept {
    reopening_ = true;
    came_.set();
    plenty_.set();
}

void access_log::close() noexcept {
    closed_ = true;
    came_.set();
    plenty_.set();
}

task<> access_log::open_again() {
    auto opened = co_await open_to_append(path_);
    if (opened) {
        file_ = std::move(*opened);
        torn_ = false;
    } else {
        say(fmt::format("cannot open {} again, and goes on with the file that it had: {}{}", name_of(path_),
                        opened.error().message(), advice_on(opened.error())));
    }
}

task<> access_log::write_queued() {
    for (const auto& each : queues_) {
        lost_ += each->take(batch_);
        if (torn_ && !batch_.empty()) co_await write_lines("\n");
        co_await write_lines(batch_);
    }
}

task<> access_log::write_lines(std::string_view lines) {
    while (!lines.empty()) {
        auto written = co_await write_some(file_.fd(), std::as_bytes(std::span(lines)));
        if (!written && written.error() == std::errc::resource_unavailable_try_again) {
            // Somebody has made standard output one that does not wait.
            auto waited = co_await sleep_for(10ms);
            if (waited) continue;
            written = failure(waited.error());
        }
        if (written && *written == 0) written = failure(std::errc::io_error);
        if (!written) co_return give_up(lines, written.error());
        torn_ = lines[static_cast<std::size_t>(*written) - 1] != '\n';
        lines.remove_prefix(static_cast<std::size_t>(*written));
        tell_of_recovery();
    }
}

void access_log::give_up(std::string_view lines, const std::error_code& trouble) {
    if (lines.starts_with('\n')) lines.remove_prefix(1); // all of its line has been written
    lost_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    if (is_cancelled(trouble) || std::exchange(broken_, true)) return;
    say(fmt::format("cannot write {}: {}; requests are answered all the same, and their lines lost", name_of(path_),
                    trouble.message()));
}

void access_log::tell_of_recovery() {
    if (!std::exchange(broken_, false)) return;
    say(fmt::format("can write {} again; {} lines were lost", name_of(path_), lost_ - lost_and_told_));
    lost_and_told_ = lost_;
}

void access_log::tell_losses() const {
    if (lost_ != 0) say(fmt::format("{} lines of {} were lost in all", lost_, name_of(path_)));
}

// Each case of the table without a socket, cut at every boundary: the kernel could not be made to do that so often.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/uio.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/rehearsal.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/loop.hpp>

#include "judge.hpp"
#include "table.hpp"
#include "witness.hpp"

using namespace tuyau;
using namespace conformance;

namespace {

/// A client that sends `bytes` in pieces, the last of which ends its side. Each is a copy that is gone afterwards.
class cut_stream {
public:
    using piece = http::rehearsal_stream::piece;
    template <class T>
    using ready = http::rehearsal_stream::ready<T>;

    cut_stream(std::string_view bytes, std::vector<std::size_t> sizes, std::string& answers)
        : rest_(bytes), sizes_(std::move(sizes)), answers_(&answers) {}

    ready<bool> readable() const noexcept { return {true}; }

    ready<result<piece>> receive() {
        const std::size_t size = next_ < sizes_.size() ? sizes_[next_++] : rest_.size();
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(taken.size());
        return {piece(taken)};
    }

    ready<result<void>> send(std::span<iovec> pieces) {
        for (const iovec& each : pieces) answers_->append(static_cast<const char*>(each.iov_base), each.iov_len);
        return {{}};
    }

    result<void> shutdown_send() const noexcept { return {}; }

private:
    std::string_view rest_;
    std::vector<std::size_t> sizes_;
    std::size_t next_ = 0;
    std::string* answers_;
};

/// A server without a socket, held to the table.
class rehearsed_server {
public:
    rehearsed_server() : server_(witness, limits_of_the_table()) {
        server_.observe([this](const http::answered& told) { told_.note(told); });
    }

    /// What is wrong with its answers to a case that is cut so; empty if nothing is.
    std::string fault_in(const test_case& asked, std::vector<std::size_t> sizes) {
        std::string bytes = asked.bytes();
        if (asked.end == ending::open) bytes += next_request;
        std::string answers;
        told_.clear();
        loop_.run(server_.converse(cut_stream(bytes, std::move(sizes), answers)));
        std::string fault = conformance::fault_in(asked, answers, {});
        return fault.empty() ? told_.fault_in(asked, true) : fault;
    }

private:
    loop loop_;
    record told_;
    http::server server_;
};

} // namespace

TEST_CASE("every case of the table comes out the same wherever it is cut in two") {
    rehearsed_server server;
    for (const test_case& each : table()) {
        INFO(each.place << ": " << each.name);
        const std::size_t size = each.bytes().size();
        std::string fault = server.fault_in(each, {});
        for (std::size_t first = 1; first <= size && fault.empty(); ++first) {
            fault = server.fault_in(each, {first});
            if (!fault.empty()) fault += " (cut behind " + std::to_string(first) + " bytes)";
        }
        CHECK(fault == "");
    }
}

TEST_CASE("every case of the table comes out the same in pieces of one to seven bytes") {
    rehearsed_server server;
    for (const test_case& each : table()) {
        INFO(each.place << ": " << each.name);
        const std::size_t size = each.bytes().size() + next_request.size();
        for (std::size_t of = 1; of <= 7; ++of)
            CHECK(server.fault_in(each, std::vector<std::size_t>(size / of + 1, of)) == "");
    }
}

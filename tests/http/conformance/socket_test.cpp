// Each case of the table over a real socket: whole, a byte at a time, and cut in two wherever it can be.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/when.hpp>

#include "judge.hpp"
#include "table.hpp"
#include "witness.hpp"

using namespace tuyau;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// What a server has received on a connection, for its client to wait for.
struct arrivals {
    std::size_t received = 0;
    bool over = false;
    event changed;

    void note(std::size_t size) {
        received += size;
        changed.set();
    }

    /// Until so much is received, or nothing will be any more.
    task<> until(std::size_t size) {
        while (received < size && !over) {
            changed.reset();
            (void)co_await changed.wait();
        }
    }
};

/// A server's end of a connection that tells of each receive.
class watched_stream {
public:
    watched_stream(tcp_stream stream, arrivals& seen) : stream_(std::move(stream)), seen_(&seen) {}

    auto readable() & noexcept { return stream_.readable(); }

    task<result<buffer>> receive() {
        auto got = co_await stream_.receive();
        if (got) seen_->note(got->text().size());
        co_return got;
    }

    auto send(std::span<iovec> pieces) & noexcept { return stream_.send(pieces); }
    result<void> shutdown_send() noexcept { return stream_.shutdown_send(); }

private:
    tcp_stream stream_;
    arrivals* seen_;
};

/// How the bytes of a case are cut: by the place and the number of all bytes, how many come next.
using cutting = std::function<std::size_t(std::size_t at, std::size_t all)>;

/// In how many ways a case is cut.
using cuttings = std::function<std::vector<cutting>(const test_case&)>;

std::size_t whole(std::size_t at, std::size_t all) { return all - at; }
std::size_t byte_by_byte(std::size_t, std::size_t) { return 1; }

/// In two, the first of so many bytes.
cutting behind(std::size_t first) {
    return [first](std::size_t at, std::size_t all) { return (at < first ? first : all) - at; };
}

/// All that the client of a case sends.
std::string bytes_of(const test_case& asked) {
    std::string bytes = asked.bytes();
    if (asked.end == ending::open) bytes += next_request;
    return bytes;
}

/// Serves one connection after another, and is each one's client too.
class one_at_a_time {
public:
    one_at_a_time() : listener_(tcp_listener::bind({"127.0.0.1", 0}).value()), server_(witness, limits_of_the_table()) {
        server_.observe([this](const http::answered& told) { told_.note(told); });
    }

    /// What is wrong with the answers to a case; empty if nothing is.
    task<std::string> fault_in(const test_case& asked, cutting cut) {
        told_.clear();
        arrivals seen;
        std::string answers;
        auto both = co_await with_deadline(20s, when_all(serve(seen), ask(asked, std::move(cut), seen, answers)));
        if (!both) co_return "the conversation did not end; so far came '" + answers + "'";
        std::string fault = conformance::fault_in(asked, answers, {.continues_are_awaited = true});
        co_return fault.empty() ? told_.fault_in(asked, true) : fault;
    }

    const http::server_counts& counts() const noexcept { return server_.counts(); }

private:
    task<> serve(arrivals& seen) {
        auto client = co_await listener_.accept();
        co_await server_.converse(watched_stream(std::move(client.value()), seen));
        seen.over = true;
        seen.changed.set();
    }

    task<> ask(const test_case& asked, cutting cut, arrivals& seen, std::string& answers) {
        auto connected = co_await connect(listener_.local_endpoint().value());
        tcp_stream connection = std::move(connected.value());
        const std::string bytes = bytes_of(asked);
        std::size_t at = 0;
        for (std::size_t part = 0; part < asked.parts.size(); ++part) {
            const bool is_last = part + 1 == asked.parts.size();
            const std::size_t end = is_last ? bytes.size() : at + asked.parts[part].size();
            while (at < end && !seen.over) {
                const std::size_t size = std::min(cut(at, bytes.size()), end - at);
                auto sent = co_await connection.send(std::string_view(bytes).substr(at, size));
                if (!sent) break;
                at += size;
                if (at < end) co_await seen.until(at); // the rest comes in another receive
            }
            if (!is_last) co_await receive(connection, answers, "HTTP/1.1 100 Continue\r\n\r\n");
        }
        if (asked.end == ending::waits) {
            co_await seen.until(at);
            (void)connection.shutdown_send();
        }
        co_await receive(connection, answers, {});
    }

    /// Until that has come, or the end.
    static task<> receive(tcp_stream& connection, std::string& answers, std::string_view until) {
        while (until.empty() || answers.find(until) == std::string::npos) {
            auto got = co_await connection.receive();
            if (!got || got->text().empty()) break;
            answers += got->text();
        }
    }

    tcp_listener listener_;
    record told_;
    http::server server_;
};

/// In two at every boundary; a long case at its ends and in the middle, as it would take too long.
std::vector<cutting> in_two(const test_case& asked) {
    constexpr std::size_t long_from = 300;
    const std::size_t size = bytes_of(asked).size();
    if (size >= long_from) return {behind(1), behind(size / 2), behind(size - 1)};
    std::vector<cutting> ways;
    for (std::size_t first = 1; first < size; ++first) ways.push_back(behind(first));
    return ways;
}

/// All cases, each cut in these ways.
task<> hold_to_the_table(cuttings ways) {
    one_at_a_time server;
    std::vector<std::uint64_t> refusals(http::refusal_causes);
    for (const test_case& each : table()) {
        const std::vector<cutting> cuts = ways(each);
        for (std::size_t number = 0; number < cuts.size(); ++number) {
            const std::string fault = co_await server.fault_in(each, cuts[number]);
            INFO(each.place << ": " << each.name << ", cut number " << number);
            CHECK(fault == "");
            for (const expected_answer& answer : each.answers)
                for (std::size_t cause = 1; cause < http::refusal_causes; ++cause)
                    if (name_of(static_cast<http::refusal_cause>(cause)) == answer.cause) ++refusals[cause];
        }
    }
    for (std::size_t cause = 1; cause < http::refusal_causes; ++cause)
        CHECK(server.counts().refusals[cause] == refusals[cause]);
}

} // namespace

TEST_CASE("every case of the table holds over a socket, sent whole") {
    loop here;
    here.run(hold_to_the_table([](const test_case&) { return std::vector<cutting>{whole}; }));
}

TEST_CASE("every case of the table holds over a socket, sent a byte at a time") {
    loop here;
    here.run(hold_to_the_table([](const test_case&) { return std::vector<cutting>{byte_by_byte}; }));
}

TEST_CASE("every case of the table holds over a socket, sent in two pieces") {
    loop here;
    here.run(hold_to_the_table(in_two));
}

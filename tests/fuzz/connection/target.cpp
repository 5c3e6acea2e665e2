// A connection of a server, from its client's bytes to its answers: with handlers of many kinds, over a stream that cuts
// what comes anywhere, and waits or not.

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/rehearsal.hpp>
#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "../support/pieces.hpp"
#include "../support/promise.hpp"

using namespace tuyau::http;
using fuzz::require;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::yield;

namespace {

/// A stream whose client has said all that it will ever say. Each wait may take a round of the loop.
class cut_stream {
public:
    cut_stream(std::string_view bytes, std::string_view sizes, bool waits, std::string& answers)
        : waits_(waits), answers_(&answers) {
        fuzz::cut(bytes, sizes, [this](std::string_view piece) {
            pieces_.emplace_back(piece);
            return true;
        });
    }

    rehearsal_stream::ready<bool> readable() const noexcept { return {true}; }

    task<result<rehearsal_stream::piece>> receive() {
        if (waits_) co_await yield();
        if (next_ == pieces_.size()) co_return rehearsal_stream::piece();
        co_return rehearsal_stream::piece(pieces_[next_++]);
    }

    task<result<void>> send(std::span<iovec> pieces) {
        require(!sending_, "one send is under way at a time");
        sending_ = true;
        for (const iovec& each : pieces) {
            if (waits_) co_await yield();
            answers_->append(static_cast<const char*>(each.iov_base), each.iov_len);
        }
        sending_ = false;
        co_return {};
    }

    result<void> shutdown_send() const noexcept { return {}; }

private:
    std::vector<std::string> pieces_;
    std::size_t next_ = 0;
    bool waits_;
    bool sending_ = false;
    std::string* answers_;
};

constexpr std::size_t most_body = 1000;

/// What handlers do, and what they saw.
class program {
public:
    explicit program(unsigned kind) : kind_(kind) {}

    task<> operator()(request& asked, response& reply) {
        asked_.push_back(asked.method);
        switch (kind_) {
        case 0: return ignore(reply);
        case 1: return echo(asked, reply);
        case 2: return fail(asked);
        case 3: return announce(reply);
        case 4: return pass_on(asked, reply);
        case 5: return read_and_write(asked, reply);
        case 6: return read_a_piece(asked, reply);
        default: return write_and_fail(asked, reply);
        }
    }

    /// Whether what they say does not depend on how the body is cut.
    bool says_the_same() const noexcept { return kind_ <= 3; }

    const std::vector<method>& asked() const noexcept { return asked_; }

private:
    task<> ignore(response& reply) {
        reply.send("text/plain", "nothing");
        co_return;
    }

    task<> echo(request& asked, response& reply) {
        auto body = co_await asked.read_all(most_body);
        if (!body) co_return;
        for (const field& each : asked.trailers()) reply.add_field("Trailer-Value", each.value);
        reply.send("text/plain", *body);
    }

    task<> fail(request& asked) {
        auto body = co_await asked.read_all(most_body);
        if (body) throw std::runtime_error("a handler that fails");
    }

    task<> announce(response& reply) {
        reply.add_field("Link", "</style>");
        co_await reply.send_interim(103);
        reply.set_content_length(8);
        co_await reply.write("in ");
        co_await reply.write("parts");
    }

    task<> pass_on(request& asked, response& reply) {
        for (;;) {
            auto piece = co_await asked.read();
            if (!piece || piece->empty()) break;
            auto written = co_await reply.write(*piece);
            if (!written) break;
        }
        reply.add_trailer("End", "yes");
    }

    task<> read_and_write(request& asked, response& reply) {
        scope both;
        both.spawn([](request& from) -> task<> {
            for (;;) {
                auto piece = co_await from.read();
                if (!piece || piece->empty()) co_return;
            }
        }(asked));
        for (int count = 0; count < 3; ++count) co_await reply.write("piece");
        co_await both.join();
    }

    task<> read_a_piece(request& asked, response& reply) {
        co_await asked.read();
        reply.send_error(403, "Enough.");
    }

    task<> write_and_fail(request& asked, response& reply) {
        co_await reply.write("a part");
        co_await asked.read();
        throw std::runtime_error("a handler that fails late");
    }

    unsigned kind_;
    std::vector<method> asked_;
};

struct story {
    std::string answers;
    std::vector<method> asked;
    std::uint64_t incomplete = 0;
    bool says_the_same = false;
};

enum class answer { whole, broken_off, none };

/// One answer, with interim ones before it.
answer take_answer(std::string_view& bytes, bool to_head, std::string& told) {
    response_parser parser(to_head);
    for (;;) {
        auto step = parser.parse(bytes);
        if (step == response_parser::step::more) step = parser.finish();
        switch (step) {
        case response_parser::step::interim:
            if (parser.head().status != 100) told += fmt::format("{}\n", parser.head().status);
            break;
        case response_parser::step::head:
            told += fmt::format("{} {}\n", parser.head().status, parser.head().value_of("connection"));
            break;
        case response_parser::step::body: told += parser.body(); break;
        case response_parser::step::complete: told += "\n"; return answer::whole;
        case response_parser::step::more:
        case response_parser::step::failed:
            if (parser.why().what == response_error::kind::empty) return answer::none;
            require(parser.why().what == response_error::kind::cut_short, "what is said is HTTP");
            return answer::broken_off;
        }
    }
}

/// Reads the answers as a client does: one to each request, in order, and no byte more; all whole but the last. What they
/// say.
std::string check_answers(const story& all) {
    std::string told;
    std::string_view bytes = all.answers;
    std::size_t whole = 0;
    for (const method each : all.asked) {
        if (bytes.empty()) break;
        const answer said = take_answer(bytes, each == HTTP_HEAD, told);
        if (said != answer::whole) {
            require(bytes.empty() && whole + 1 == all.asked.size(), "nothing follows an answer that is broken off");
            require(said == answer::none || all.incomplete != 0, "an answer that is broken off is counted");
            return told;
        }
        ++whole;
    }
    require(whole + 1 >= all.asked.size(), "each request is answered, but for the last");
    if (bytes.empty()) return told;
    std::string_view as_to_head = bytes; // who is refused may have asked for a head only
    std::string refused;
    if (take_answer(bytes, false, refused) != answer::whole || !bytes.empty()) {
        refused.clear();
        require(take_answer(as_to_head, true, refused) == answer::whole && as_to_head.empty(),
                "nothing follows a refusal");
    }
    require(refused.starts_with('4') || refused.starts_with('5'), "what nobody was asked for is a refusal");
    return told + refused;
}

story converse_with(loop& here, unsigned settings, std::string_view bytes, std::string_view sizes) {
    server_limits limits;
    if ((settings & 16) != 0) limits.request.body = 6;
    if ((settings & 32) != 0) limits.requests = 2;
    program answering(settings & 7);
    story all;
    tuyau::http::detail::server_state server(std::ref(answering), limits);
    here.run(tuyau::http::detail::converse(server, cut_stream(bytes, sizes, (settings & 8) != 0, all.answers)));
    require(server.connections.empty(), "a connection that is over is gone");
    all.asked = answering.asked();
    all.incomplete = server.counts.incomplete_responses;
    all.says_the_same = answering.says_the_same();
    return all;
}

} // namespace

// The settings: bits 0 to 2 choose the handler, bit 3 that each wait takes a while, bits 4 and 5 narrow the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static loop here;
    const fuzz::stream_input input(data, size);
    const story whole = converse_with(here, input.settings, input.bytes, fuzz::in_one_piece);
    const std::string told = check_answers(whole);
    const auto read_again = [&](std::string_view sizes) {
        const story again = converse_with(here, input.settings, input.bytes, sizes);
        const std::string told_again = check_answers(again);
        if (whole.says_the_same) fuzz::require_same(told_again, told, "in pieces it is answered the same");
    };
    constexpr std::size_t not_too_slow = 512;
    if (input.bytes.size() <= not_too_slow) read_again(fuzz::byte_by_byte);
    if (!input.sizes.empty()) read_again(input.sizes);
    return 0;
}

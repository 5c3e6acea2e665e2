// The library's server with a handler that reads the body in one coroutine and writes the response in another, among clients
// that send late and take late.

#include <algorithm>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include <tuyau/net/http/server.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

#include "answers.hpp"
#include "serving.hpp"
#include "uring_http.hpp"
#include "visit.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;

/// What a client wants, as its target says it: `/SIZE/LETTER`, for a response of so many of that letter to a body of it.
struct wish {
    std::size_t size = 0;
    char letter = 'a';

    static wish of(std::string_view target) {
        wish made;
        std::from_chars(target.data() + 1, target.data() + target.size(), made.size);
        made.letter = target.back();
        return made;
    }
};

tuyau::task<> read_body(tuyau::http::request& asked, char letter) {
    for (;;) {
        const auto piece = co_await asked.read();
        if (!piece || piece->empty()) co_return;
        expect(piece->find_first_not_of(letter) == piece->npos, "a body has bytes of another");
    }
}

tuyau::task<> write_response(tuyau::http::response& reply, wish wanted, std::size_t piece_size) {
    const std::string piece(piece_size, wanted.letter);
    reply.set_content_length(wanted.size);
    for (std::size_t left = wanted.size; left != 0;) {
        const std::size_t size = std::min(left, piece_size);
        const auto written = co_await reply.write(std::string_view(piece).substr(0, size));
        if (!written) co_return;
        left -= size;
    }
}

class meeting {
public:
    explicit meeting(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        if (random_.chance(0.7)) spare_connections(here_);
        piece_size_ = random_.one_of<std::size_t>(100, 5000, 200'000);
        crowd_.start(host());
        const int code = tuyau::run(serve());
        expect(code == 0 || !listened_, "the server ended with exit code {}", code);
    }

private:
    tuyau::task<> answer(tuyau::http::request& asked, tuyau::http::response& reply) const {
        const wish wanted = wish::of(asked.target);
        tuyau::scope both;
        both.spawn(read_body(asked, wanted.letter));
        both.spawn(write_response(reply, wanted, piece_size_));
        co_await both.join();
    }

    tuyau::task<> serve() {
        tuyau::http::server_limits limits;
        limits.send_time = limits.body_time = 2h; // some lines are very slow
        tuyau::http::server server(
            [this](tuyau::http::request& asked, tuyau::http::response& reply) { return answer(asked, reply); }, limits);
        (void)co_await serve_until_told(server, port);
    }

    action<> host() {
        co_await until_listening(port);
        listened_ = true;
        peers all;
        for (auto count = random_.between(1, 5); count != 0; --count) all.start(client());
        if (random_.chance(0.8))
            co_await all.end();
        else
            co_await pause(here_.random_delay(random_.one_of<duration>(1ms, 100ms, 3s)));
        hours_.ending = true;
        hours_.asked_to_end = here_.now();
        here_.signal(SIGTERM);
        co_await all.end();
    }

    action<> client() {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 1s)));
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        answer_reader answers(mine.line());
        for (auto rounds = random_.between(1, 3); rounds != 0; --rounds) {
            const wish wanted{random_.one_of<std::size_t>(1, 3000, 100'000),
                              static_cast<char>('a' + random_.below(26))};
            const auto body_size = random_.one_of<std::size_t>(1, 100, 5000, 40'000);
            mine.ask();
            peers sending;
            sending.start(send(mine.shared_line(), wanted, body_size));
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 10ms, 2s)));
            const auto got = co_await answers.next(true);
            if (!got) {
                expect(mine.is_excused(), "a response did not come, or not whole: error {}", mine.line().error());
                mine.line().reset(); // or the other half might be sent for ever
                co_return co_await sending.end();
            }
            if (got->status != 408 || !mine.may_have_stalled()) {
                expect(got->status == 200, "the status was {}", got->status);
                expect(got->body == std::string(wanted.size, wanted.letter), "a response is not as it was wanted");
            }
            co_await sending.end();
            if (got->closes()) {
                expect(hours_.ending || got->status == 408, "the server closed a connection for no reason");
                co_return;
            }
            mine.answered();
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 0ns, 3s)));
        }
        expect(!answers.torn(), "something came that nobody had asked for");
    }

    action<> send(std::shared_ptr<peer> server, wish wanted, std::size_t body_size) {
        const bool waits = random_.chance(0.3);
        const std::string head =
            fmt::format("POST /{}/{} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{}\r\n", wanted.size, wanted.letter,
                        body_size, waits ? "Expect: 100-continue\r\n" : "");
        if (!co_await server->send(head)) co_return;
        if (waits) co_await pause(here_.random_delay(1s)); // and sends it whether it was asked to or not
        const auto most = random_.one_of<std::size_t>(1000, 10'000, 100'000);
        for (std::size_t left = body_size; left != 0;) {
            const std::size_t size = std::min(left, most);
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 300ms)));
            if (!co_await server->send(std::string(size, wanted.letter))) co_return;
            left -= size;
        }
    }

    kernel& here_;
    random_source& random_;
    opening_hours hours_;
    std::size_t piece_size_ = 0;
    bool listened_ = false;
    peers crowd_; // last: they use all of the above
};

} // namespace

void handlers_at_both_ends(kernel& here) { meeting(here).run(); }

} // namespace simulation::scenarios

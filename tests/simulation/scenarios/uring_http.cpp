// uring-http among clients that are correct, slow, broken and hostile.

#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <optional>
#include <utility>

#include "../peer.hpp"
#include "../scenario.hpp"

int uring_http_main(int, char**);

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr int cannot_serve = 1;

// What the clients have seen of one answer, to be compared with what they asked for.
struct answer {
    int status = 0;
    bool closes = false;
    std::string body;
};

double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

/// Takes answers apart by the few rules that hold for this server. Independent of the product's parsers.
class answer_reader {
public:
    explicit answer_reader(peer& from) noexcept : from_(from) {}

    /// The next answer; nothing when the stream ended before it began. An answer that is cut off is told by `torn`.
    action<std::optional<answer>> next(bool has_body) {
        std::size_t end;
        while ((end = bytes_.find("\r\n\r\n")) == std::string::npos)
            if (!co_await more()) co_return std::nullopt;
        const std::string head = bytes_.substr(0, end + 2);
        answer got;
        expect(head.starts_with("HTTP/1.1 "), "no answer begins like this: '{}'", head.substr(0, 40));
        std::from_chars(head.data() + 9, head.data() + 12, got.status);
        bytes_.erase(0, end + 4);
        if (got.status < 200) co_return co_await next(has_body);
        got.closes = head.find("Connection: close\r\n") != std::string::npos;
        std::size_t size = 0;
        const auto length = head.find("Content-Length: ");
        if (length != std::string::npos) std::from_chars(head.data() + length + 16, head.data() + head.size(), size);
        expect(length != std::string::npos || got.status == 204, "an answer without a length");
        if (!has_body) size = 0;
        while (bytes_.size() < size)
            if (!co_await more()) co_return std::nullopt;
        got.body = bytes_.substr(0, size);
        bytes_.erase(0, size);
        co_return got;
    }

    bool torn() const noexcept { return !bytes_.empty(); }

private:
    action<bool> more() {
        const std::string got = co_await from_.receive();
        bytes_ += got;
        co_return !got.empty();
    }

    peer& from_;
    std::string bytes_;
};

struct question {
    const char* text;
    int status;
    bool has_body;
};

constexpr std::array<question, 6> questions{{
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, true},
    {"GET /missing HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: somebody with a rather long name\r\n\r\n", 404, true},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
    {"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", 204, false},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", 405, true},
    {"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 405, true},
}};

class town {
public:
    explicit town(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        std::vector<std::string> arguments{"uring-http", "--listen", fmt::format("127.0.0.1:{}", port)};
        if (random_.chance(0.3)) {
            most_served_ = random_.one_of<std::size_t>(1, 2, 5);
            arguments.insert(arguments.end(), {"--max-connections", std::to_string(most_served_)});
        }
        const bool few_descriptors = random_.chance(0.2);
        if (few_descriptors) here_.set_descriptor_limit(random_.between<std::size_t>(8, 20));
        has_room_ = most_served_ == 0 && !few_descriptors;
        crowd_.start(mayor());
        const int code = run_program(uring_http_main, arguments);
        const bool could_not_begin = !listened_ && code == cannot_serve;
        expect(code == 0 || could_not_begin, "uring-http ended with exit code {}", code);
        if (could_not_begin) return;
        // A drain has ten seconds, and a second for the program to get its turn.
        expect(here_.now() - asked_to_end_ < 11s, "the drain took {} s", in_seconds(here_.now() - asked_to_end_));
        // None has more than 16 unread, and all buffers but those come back.
        constexpr std::size_t made_at_the_start = 256;
        expect(clients_ > 8 || here_.buffers_seen() <= made_at_the_start, "{} clients needed {} receive buffers", clients_,
               here_.buffers_seen());
    }

private:
    action<> mayor() {
        co_await until_listening(port);
        listened_ = true;
        clients_ = random_.chance(0.03) ? std::size_t{40} : random_.one_of<std::size_t>(1, 2, 3, 8);
        peers all;
        for (std::size_t number = 0; number < clients_; ++number) {
            switch (random_.below(6)) {
            case 0: all.start(slow_client()); break;
            case 1: all.start(broken_client()); break;
            case 2: all.start(hostile_client()); break;
            default: all.start(correct_client());
            }
        }
        // Some runs end in the middle of it all.
        if (random_.chance(0.3))
            co_await pause(here_.random_delay(random_.one_of<duration>(10ms, 1s, 100s)));
        else
            co_await all.end();
        ending_ = true;
        asked_to_end_ = here_.now();
        here_.signal(SIGTERM);
        co_await all.end();
    }

    /// Whether something outside the server may have closed a connection.
    bool connections_may_break() const {
        for (const fault each : {fault::connection_reset, fault::connection_timed_out, fault::connection_stalled,
                                 fault::connection_refused, fault::aborted_accept})
            if (has_happened(each)) return true;
        return ending_;
    }

    bool has_happened(fault kind) const { return here_.weather().counts()[static_cast<std::size_t>(kind)] != 0; }

    /// A connection that has had an answer and may have more: the server has bound itself to a number of these.
    class served {
    public:
        explicit served(town& owner) noexcept : owner_(owner) {}
        served(const served&) = delete;
        served& operator=(const served&) = delete;
        ~served() { end(); }
        void end() {
            if (std::exchange(begun_, false)) --owner_.served_;
        }
        void begin() {
            if (std::exchange(begun_, true)) return;
            ++owner_.served_;
            expect(owner_.most_served_ == 0 || owner_.served_ <= owner_.most_served_ || owner_.connections_may_break(),
                   "{} connections are served at a time", owner_.served_);
        }

    private:
        town& owner_;
        bool begun_ = false;
    };

    action<> correct_client() {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 2s)));
        const auto shared = std::make_shared<peer>(co_await peer::connect(port));
        peer& server = *shared;
        if (!server.is_open()) {
            expect(connections_may_break(), "a client was not let in: {}", strerrorname_np(server.error()));
            co_return;
        }
        const auto count = random_.one_of<std::size_t>(1, 1, 2, 3, 20);
        const bool pipelined = random_.chance(0.5);
        std::vector<question> asked;
        std::string bytes;
        for (std::size_t number = 0; number < count; ++number) {
            asked.push_back(questions[random_.below(questions.size())]);
            bytes += asked.back().text;
        }
        answer_reader answers(server);
        if (pipelined) crowd_.start(send_all(shared, bytes));
        const instant began = here_.now();
        served present(*this);
        for (const question& each : asked) {
            if (!pipelined && !co_await server.send(each.text)) {
                expect(connections_may_break(), "a connection broke while a request was sent");
                co_return;
            }
            const auto got = co_await answers.next(each.has_body);
            if (!got) {
                expect(connections_may_break() || pipelined_too_long(began), "an answer did not come, or not whole: error {}",
                       server.error());
                co_return;
            }
            check(each, *got);
            if (got->closes) {
                expect(ending_ || has_happened(fault::connection_stalled), "the server closed a connection for no reason");
                co_return;
            }
            present.begin();
            if (!pipelined) co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 0ns, 3s)));
        }
        present.end(); // the server may close a connection on which nothing is asked
        // As long as nobody could be served while others had all the places.
        expect(here_.now() - began < 600s || connections_may_break(), "a client had to wait for {} s",
               in_seconds(here_.now() - began));
        if (random_.chance(0.5)) server.shutdown_send();
        if (random_.chance(0.5)) {
            const auto rest = co_await server.receive();
            expect(rest.empty() || answers.torn(), "something came that nobody had asked for");
        }
    }

    static action<> send_all(std::shared_ptr<peer> server, std::string bytes) { (void)co_await server->send(std::move(bytes)); }

    bool pipelined_too_long(instant began) const { return here_.now() - began > 25s; }

    void check(const question& asked, const answer& got) {
        if (got.status == 408 && has_happened(fault::connection_stalled)) return;
        expect(got.status == asked.status, "the answer to '{}' was {}", std::string_view(asked.text).substr(0, 20), got.status);
        if (!asked.has_body) return;
        auto& known = bodies_[static_cast<std::size_t>(got.status)];
        if (known.empty()) known = got.body;
        expect(!got.body.empty() && got.body == known, "an answer with status {} was not what others got", got.status);
    }

    /// Sends its request in bits.
    action<> slow_client() {
        peer server = co_await peer::connect(port);
        if (!server.is_open()) co_return;
        const question asked = questions[random_.below(questions.size())];
        const duration between = random_.one_of<duration>(1ms, 50ms, 3s);
        for (const char* next = asked.text; *next != '\0'; ++next) {
            if (!co_await server.send(std::string(1, *next))) co_return;
            co_await pause(between);
        }
        answer_reader answers(server);
        const auto got = co_await answers.next(asked.has_body);
        if (got && got->status != 408) check(asked, *got);
    }

    /// Says what is no request.
    action<> broken_client() {
        peer server = co_await peer::connect(port);
        if (!server.is_open()) co_return;
        const char* nonsense = random_.one_of("GET\r\n\r\n", "\0\0\0\0", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                                              "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
        const bool well_begun = random_.chance(0.5);
        if (!co_await server.send(well_begun ? std::string(questions[0].text) + nonsense : nonsense)) co_return;
        server.shutdown_send();
        answer_reader answers(server);
        if (well_begun) {
            const auto first = co_await answers.next(true);
            if (!first) {
                expect(connections_may_break(), "an answer that was owed before a bad request did not come");
                co_return;
            }
            check(questions[0], *first);
        }
        while (const auto got = co_await answers.next(true))
            expect(got->status >= 400 && got->closes, "nonsense was answered with {}", got->status);
    }

    /// Does not read, does not end, or ends at once.
    action<> hostile_client() {
        peer server = co_await peer::connect(port);
        if (!server.is_open()) co_return;
        switch (random_.below(5)) {
        case 0: // many requests, and nothing read for a long time
            for (int round = 0; round < 50; ++round) server.send_now(questions[0].text);
            co_await pause(random_.one_of<duration>(1s, 40s, 200s));
            break;
        case 1: // a header section without end
            for (int round = 0; round < 100; ++round) {
                if (!co_await server.send(std::string(random_.between(1, 3000), 'a'))) break;
                co_await pause(1ms);
            }
            break;
        case 2: // a reset in the middle of something
            server.send_now(std::string(questions[0].text).substr(0, random_.between<std::size_t>(0, 28)));
            co_await pause(here_.random_delay(random_.one_of<duration>(10us, 10ms, 1s)));
            server.reset();
            break;
        case 3: // a reset while answers are on their way
            for (int round = 0; round < 20; ++round) server.send_now(questions[0].text);
            co_await pause(here_.random_delay(random_.one_of<duration>(10us, 10ms, 1s)));
            server.reset();
            break;
        default: // silence
            if (random_.chance(0.5)) {
                co_await pause(random_.one_of<duration>(1s, 40s, 3600s));
            } else {
                const instant began = here_.now();
                (void)co_await server.receive();
                // A minute, with what it takes to get there.
                expect(here_.now() - began < 70s || !has_room_ || connections_may_break(),
                       "a silent connection was left open for {} s", in_seconds(here_.now() - began));
            }
        }
        server.close();
    }

    kernel& here_;
    random_source& random_;
    peers crowd_;
    std::size_t clients_ = 0;
    std::size_t served_ = 0;
    std::size_t most_served_ = 0; // 0 for no bound that matters
    bool has_room_ = false;
    bool listened_ = false;
    bool ending_ = false;
    instant asked_to_end_{};
    std::array<std::string, 600> bodies_;
};

} // namespace

void uring_http(kernel& here) { town(here).run(); }

} // namespace simulation::scenarios

// uring-http among clients that fall silent: each connection is closed when its time has come, and not before.

#include <csignal>
#include <cstring>

#include "answers.hpp"
#include "uring_http.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;

constexpr std::size_t room_on_the_line = 65536;

double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

class silent_evening {
public:
    explicit silent_evening(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        spare_connections(here_);
        here_.net().set_line(line_quality{.latency = 20us,
                                          .jitter = 0ns,
                                          .breaks_up = false,
                                          .send_room = room_on_the_line / 2,
                                          .receive_room = room_on_the_line / 2});
        if (random_.chance(0.5)) {
            here_.weather().calm();
            lateness_ = 5ms + 6 * here_.most_lateness(); // from accept to close a thread wakes six times
        }
        std::vector<std::string> arguments{"uring-http", "--threads", "1", "--listen", fmt::format("127.0.0.1:{}", port)};
        idle_time_ = draw_time(arguments, "--idle-timeout");
        head_time_ = draw_time(arguments, "--header-timeout");
        body_time_ = draw_time(arguments, "--body-timeout");
        send_time_ = draw_time(arguments, "--send-timeout");
        crowd_.start(host());
        const int code = run_program(uring_http_main, arguments);
        expect(code == 0 || !listened_, "uring-http ended with exit code {}", code);
    }

private:
    duration draw_time(std::vector<std::string>& arguments, const char* option) {
        const auto seconds = random_.one_of(1, 60, 3600, 3600, 86400);
        arguments.insert(arguments.end(), {option, std::to_string(seconds)});
        return std::chrono::seconds(seconds);
    }

    action<> host() {
        co_await until_listening(port);
        listened_ = true;
        peers all;
        for (auto count = random_.between(2, 8); count != 0; --count) all.start(silent_one());
        co_await all.end();
        here_.signal(SIGTERM);
    }

    /// Says nothing, or stops behind an answer, in a head or in a body, or takes no answers.
    action<> silent_one() {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1s, 3600s)));
        instant began = here_.now();
        peer server = co_await peer::connect(port);
        expect(server.is_open(), "a client was not let in: {}", strerrorname_np(server.error()));
        answer_reader answers(server);
        const auto kind = random_.below(5);
        if (kind == 4) co_return co_await take_late(server, answers);
        if (kind == 0) co_return co_await until_closed(answers, began, idle_time_);
        if (kind == 1) {
            const question& asked = questions[random_.below(questions.size())];
            for (auto rounds = random_.between(1, 3); rounds != 0; --rounds) {
                began = here_.now();
                if (!co_await server.send(asked.text)) break;
                const auto got = co_await answers.next(asked.has_body);
                expect(got.has_value(), "an answer did not come: error {}", server.error());
                check_answer(asked, *got);
            }
            co_return co_await until_closed(answers, began, idle_time_);
        }
        began = here_.now();
        const bool sent = co_await server.send(
            kind == 2 ? "GET / HTTP/1.1\r\nHo" : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello");
        expect(sent, "a connection broke while a request was sent");
        const auto got = co_await answers.next(true);
        expect(got && got->status == 408 && got->closes(), "half a request was not refused for its time: {}",
               got ? got->status : 0);
        co_await until_closed(answers, began, kind == 2 ? head_time_ : body_time_);
    }

    /// Is sent more than the line holds, and takes it so late that it is broken off, or not quite.
    action<> take_late(peer& server, answer_reader& answers) {
        const question& asked = questions[0];
        constexpr std::size_t count = 60;
        std::string all;
        for (std::size_t number = 0; number < count; ++number) all += asked.text;
        const bool sent = co_await server.send(all);
        expect(sent, "a connection broke while requests were sent");
        const bool too_late = send_time_ == 1s || random_.chance(0.5);
        co_await pause(too_late ? send_time_ + lateness_ : send_time_ / 2);
        std::size_t came = 0;
        std::size_t size = 0;
        while (const auto got = co_await answers.next(asked.has_body)) {
            check_answer(asked, *got);
            size += got->head.size() + got->body.size();
            ++came;
        }
        // A send that was just taken when its time ended is one in time.
        const bool broken_off = (came < count && size <= room_on_the_line) || has_happened(fault::result_despite_cancel);
        expect(too_late ? broken_off : came == count,
               "responses have {} s to be taken, and {} of {} were still there after {} s", in_seconds(send_time_), came,
               count, in_seconds(too_late ? send_time_ + lateness_ : send_time_ / 2));
    }

    action<> until_closed(answer_reader& answers, instant began, duration time) {
        const bool nothing_more = co_await answers.ends();
        expect(nothing_more, "a client that said nothing was told something");
        const duration span = here_.now() - began;
        expect(span >= time && span <= time + lateness_, "a silent connection has {} s, and was closed after {} s",
               in_seconds(time), in_seconds(span));
    }

    kernel& here_;
    random_source& random_;
    peers crowd_;
    duration idle_time_{};
    duration head_time_{};
    duration body_time_{};
    duration send_time_{};
    duration lateness_ = 2s; // in bad weather
    bool listened_ = false;
};

} // namespace

void uring_http_times(kernel& here) { silent_evening(here).run(); }

} // namespace simulation::scenarios

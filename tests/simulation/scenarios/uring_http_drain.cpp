// uring-http is asked to end: what is under way is finished, what is idle is closed, and nobody is waited for too long.

#include <csignal>
#include <cstring>

#include "answers.hpp"
#include "uring_http.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;

double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

class last_evening {
public:
    explicit last_evening(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        spare_connections(here_);
        // So little room that a page does not fit.
        here_.net().set_line(line_quality{.latency = 20us, .jitter = 0ns, .send_room = 2304, .receive_room = 1024});
        const auto seconds = random_.one_of(1, 5, 10, 30);
        drain_ = std::chrono::seconds(seconds);
        crowd_.start(host());
        const int code = run_program(
            uring_http_main, {"uring-http", "--threads", std::to_string(threads_of(here_)), "--listen",
                              fmt::format("127.0.0.1:{}", port), "--drain-timeout", std::to_string(seconds),
                              "--header-timeout", "3600", "--body-timeout", "3600"});
        expect(code == 0 || !listened_, "uring-http ended with exit code {}", code);
        const duration span = here_.now() - asked_to_end_;
        expect(!listened_ || span < drain_ + 1s, "a drain of {} s took {} s", in_seconds(drain_), in_seconds(span));
    }

private:
    action<> host() {
        co_await until_listening(port);
        if (threads_of(here_) > 1) co_await pause(10ms); // until they are there
        listened_ = true;
        peers all;
        for (auto count = random_.between(1, 6); count != 0; --count) {
            switch (random_.below(5)) {
            case 0: all.start(idle_one()); break;
            case 1: all.start(late_reader()); break;
            case 2: all.start(one_who_never_finishes()); break;
            default: all.start(one_who_finishes());
            }
        }
        co_await pause(5s); // until each is where it is to be found
        ending_ = true;
        asked_to_end_ = here_.now();
        here_.signal(SIGTERM);
        co_await all.end();
    }

    action<peer> enter() {
        peer made = co_await peer::connect(port);
        expect(made.is_open(), "a client was not let in: {}", strerrorname_np(made.error()));
        co_return made;
    }

    action<> until_some_time_of_the_drain() {
        co_await until([&] { return ending_; });
        co_await pause(here_.random_delay(drain_ / 2));
    }

    static action<answer> answer_to(const question& asked, answer_reader& answers, const peer& server) {
        const auto got = co_await answers.next(asked.has_body);
        expect(got.has_value(), "what was under way was not answered: error {}", server.error());
        check_answer(asked, *got);
        co_return *got;
    }

    action<> idle_one() {
        peer server = co_await enter();
        answer_reader answers(server);
        if (random_.chance(0.5)) {
            const question& asked = questions[random_.below(questions.size())];
            (void)co_await server.send(asked.text);
            (void)co_await answer_to(asked, answers, server);
        }
        const bool nothing_more = co_await answers.ends();
        expect(nothing_more && ending_ && here_.now() - asked_to_end_ < 1s, "an idle connection was closed after {} s",
               in_seconds(here_.now() - asked_to_end_));
    }

    action<> one_who_finishes() {
        peer server = co_await enter();
        const question& asked = questions[random_.below(questions.size())];
        const auto sent_before = random_.between<std::size_t>(1, std::strlen(asked.text) - 1);
        (void)co_await server.send(std::string(asked.text, sent_before));
        co_await until_some_time_of_the_drain();
        (void)co_await server.send(asked.text + sent_before);
        answer_reader answers(server);
        const answer got = co_await answer_to(asked, answers, server);
        expect(got.closes(), "the last answer does not say that it is the last");
        const bool nothing_more = co_await answers.ends();
        expect(nothing_more, "something came after the last answer");
    }

    action<> late_reader() {
        peer server = co_await enter();
        (void)co_await server.send(questions[0].text);
        co_await until_some_time_of_the_drain();
        answer_reader answers(server);
        (void)co_await answer_to(questions[0], answers, server);
        const bool nothing_more = co_await answers.ends();
        expect(nothing_more, "something came that nobody had asked for");
    }

    action<> one_who_never_finishes() {
        peer server = co_await enter();
        const question& asked = questions[random_.below(questions.size())];
        (void)co_await server.send(
            std::string(asked.text, random_.between<std::size_t>(1, std::strlen(asked.text) - 1)));
        const std::string got = co_await server.receive();
        const duration span = here_.now() - asked_to_end_;
        expect(got.empty() && ending_ && span >= drain_ - 5ms && span < drain_ + 1s,
               "a drain of {} s broke off with one who could have gone on after {} s", in_seconds(drain_),
               in_seconds(span));
    }

    kernel& here_;
    random_source& random_;
    duration drain_{};
    instant asked_to_end_{};
    bool listened_ = false;
    bool ending_ = false;
    peers crowd_;
};

} // namespace

void uring_http_drain(kernel& here) { last_evening(here).run(); }

} // namespace simulation::scenarios

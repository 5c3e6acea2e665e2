// uring-http with one client that asks without end: another one's question need not wait until it is over.

#include <csignal>

#include "answers.hpp"
#include "uring_http.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr question often = questions[3]; // whose answer is short
constexpr std::size_t at_a_time = 100;
constexpr std::size_t most_questions = 20'000;
// A kernel may take its time to tell of the connection and of the question, and meanwhile the server is busy.
constexpr std::size_t most_between = 6000;

class busy_evening {
public:
    explicit busy_evening(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        here_.weather().calm();
        here_.net().set_line(line_quality{.latency = random_.one_of<duration>(0ns, 20us), .jitter = 0ns});
        crowd_.start(host());
        const int code = run_program(uring_http_main,
                                     {"uring-http", "--threads", "1", "--listen", fmt::format("127.0.0.1:{}", port)});
        expect(code == 0, "uring-http ended with exit code {}", code);
    }

private:
    action<> host() {
        co_await until_listening(port);
        greedy_ = std::make_shared<peer>(co_await peer::connect(port));
        crowd_.start(ask_without_end());
        peers others;
        for (auto count = random_.between(1, 3); count != 0; --count) others.start(ask_once());
        crowd_.start(read_answers());
        co_await others.end();
        enough_ = true;
        co_await until([&] { return !greedy_->is_open(); });
        here_.signal(SIGTERM);
    }

    action<> ask_without_end() {
        std::string many;
        for (std::size_t count = 0; count < at_a_time; ++count) many += often.text;
        while (!enough_ && asked_ < most_questions) {
            asked_ += at_a_time;
            const bool sent = co_await greedy_->send(many);
            expect(sent, "a connection broke in calm weather");
        }
        greedy_->shutdown_send();
    }

    /// An answer ends where its head does: there is no body. Not taken apart, as they are many.
    action<> read_answers() {
        std::string bytes;
        for (;;) {
            const std::string got = co_await greedy_->receive();
            if (got.empty()) break;
            bytes += got;
            std::size_t begin = 0;
            for (std::size_t end; (end = bytes.find("\r\n\r\n", begin)) != std::string::npos; begin = end + 4) {
                expect(bytes.compare(begin, 12, "HTTP/1.1 204") == 0, "an answer to OPTIONS is '{}'",
                       bytes.substr(begin, end - begin));
                ++answered_;
            }
            bytes.erase(0, begin);
        }
        expect(bytes.empty() && answered_ == asked_, "{} of {} questions were answered", answered_, asked_);
        greedy_->close();
    }

    action<> ask_once() {
        while (answered_ == 0) co_await pause(1us);
        co_await pause(here_.random_delay(100us));
        const std::size_t before = answered_;
        peer server = co_await peer::connect(port);
        const question& asked = questions[random_.below(questions.size())];
        const bool sent = co_await server.send(asked.text);
        expect(sent, "a connection broke in calm weather");
        answer_reader answers(server);
        const auto got = co_await answers.next(asked.has_body);
        expect(got.has_value(), "an answer did not come: error {}", server.error());
        check_answer(asked, *got);
        const std::size_t between = answered_ - before;
        expect(between < most_between, "{} questions of another were answered before one", between);
    }

    kernel& here_;
    random_source& random_;
    std::shared_ptr<peer> greedy_;
    std::size_t asked_ = 0;
    std::size_t answered_ = 0;
    bool enough_ = false;
    peers crowd_;
};

} // namespace

void uring_http_fairness(kernel& here) { busy_evening(here).run(); }

} // namespace simulation::scenarios

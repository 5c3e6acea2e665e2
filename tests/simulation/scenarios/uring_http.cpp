// uring-http among clients that are correct, slow, broken and hostile.

#include <algorithm>
#include <csignal>
#include <utility>

#include "answers.hpp"
#include "uring_http.hpp"
#include "visit.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr int cannot_serve = 1;
constexpr const char* log_path = "/access.log";

double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

class town {
public:
    explicit town(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        threads_ = threads_of(here_);
        std::vector<std::string> arguments{"uring-http", "--threads", std::to_string(threads_), "--listen",
                                           fmt::format("127.0.0.1:{}", port)};
        if (random_.chance(threads_ > 1 ? 0.7 : 0.3)) { // which they share
            most_served_ = random_.one_of<std::size_t>(1, 2, 5);
            arguments.insert(arguments.end(), {"--max-connections", std::to_string(most_served_)});
        }
        const bool few_descriptors = random_.chance(0.2);
        if (few_descriptors)
            here_.set_descriptor_limit(descriptors_of(threads_ - 1) + random_.between<std::size_t>(8, 20));
        logs_ = here_.seed() / 10 % 5 == 4; // not by chance either
        if (logs_) arguments.insert(arguments.end(), {"--access-log", log_path});
        hours_.has_room = most_served_ == 0 && !few_descriptors;
        crowd_.start(mayor());
        const int code = run_program(uring_http_main, arguments);
        const bool could_not_begin = !listened_ && code == cannot_serve;
        expect(code == 0 || could_not_begin, "uring-http ended with exit code {}", code);
        if (could_not_begin) return;
        if (logs_ && !any_has_happened({fault::failing_disk, fault::full_disk})) check_log();
        // A drain has ten seconds, and a second for the program to get its turn.
        const duration drain = here_.now() - hours_.asked_to_end;
        expect(drain < opening_hours::drain + 1s, "the drain took {} s", in_seconds(drain));
        // None has more than 16 unread, and all buffers but those come back: eight need 128, and a pool doubles.
        constexpr std::size_t most_buffers = 256; // of each thread
        expect(clients_ > 8 || here_.buffers_seen() <= most_buffers, "{} clients needed {} receive buffers",
               clients_, here_.buffers_seen());
    }

private:
    action<> mayor() {
        co_await until_listening(port);
        co_await pause(10ms); // until it has all that it begins with
        listened_ = true;
        at_the_start_ = here_.open_descriptors();
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
        if (logs_) crowd_.start(reopen_log());
        // Some runs end in the middle of it all.
        if (random_.chance(0.3)) {
            co_await pause(here_.random_delay(random_.one_of<duration>(10ms, 1s, 10s, 100s)));
        } else {
            co_await all.end();
            co_await until_nobody_is_there();
        }
        hours_.ending = true;
        hours_.asked_to_end = here_.now();
        here_.signal(SIGTERM);
        co_await all.end();
    }

    void check(const question& asked, const answer& got) {
        check_answer(asked, got);
        ++answered_;
    }

    /// A line for each answer that came, none for what nobody asked, and each line whole.
    void check_log() {
        constexpr std::string_view behind_address = " - - [";
        const std::string& all = *here_.disk()[log_path];
        std::size_t lines = 0;
        for (std::string_view rest = all; !rest.empty(); ++lines) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            const std::size_t place = line.find(behind_address);
            expect(line.size() < rest.size() && place != line.npos && place == line.rfind(behind_address) &&
                       line.ends_with('"'),
                   "the access log has a line that is not whole: {}", line);
            rest.remove_prefix(line.size() + 1);
        }
        const std::size_t most = asked_ + clients_; // a request that came too late may have been none
        expect(lines >= answered_ && lines <= most, "{} to {} answers were given, and the access log has {} lines",
               answered_, most, lines);
    }

    /// A log is moved away now and then, and another one begun in its place; here it is the same.
    action<> reopen_log() {
        for (auto times = random_.below(4); times != 0; --times) {
            co_await pause(here_.random_delay(random_.one_of<duration>(1ms, 100ms, 3s)));
            if (hours_.ending) break;
            here_.signal(SIGHUP);
        }
    }

    /// The server holds what it held before anybody came, once its time for those who just went away is over.
    action<> until_nobody_is_there() {
        const instant end = here_.now() + 200s;
        co_await until([&] {
            const std::size_t open = here_.open_descriptors();
            const std::size_t away = here_.buffers_away();
            expect(open <= at_the_start_ || here_.now() < end,
                   "nobody is there, and {} descriptors are open, {} at first", open, at_the_start_);
            expect(away == 0 || here_.now() < end, "nobody is there, and {} receive buffers are in use", away);
            return open <= at_the_start_ && away == 0;
        });
    }

    /// A connection that has had an answer and may have more: the server has bound itself to a number of these.
    class served {
    public:
        served(town& owner, const visit& mine) noexcept : owner_(owner), mine_(mine) {}
        served(const served&) = delete;
        served& operator=(const served&) = delete;
        ~served() { end(); }
        void end() {
            if (std::exchange(begun_, false)) std::erase(owner_.served_, &mine_);
        }
        void begin() {
            if (std::exchange(begun_, true)) return;
            owner_.served_.push_back(&mine_);
            const auto count = std::count_if(owner_.served_.begin(), owner_.served_.end(),
                                             [](const visit* each) { return !each->is_excused(); });
            expect(owner_.most_served_ == 0 || static_cast<std::size_t>(count) <= owner_.most_served_,
                   "{} connections are served at a time", count);
        }

    private:
        town& owner_;
        const visit& mine_;
        bool begun_ = false;
    };

    action<> correct_client() {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 2s)));
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        peer& server = mine.line();
        const auto count = random_.one_of<std::size_t>(1, 1, 2, 3, 20);
        const bool pipelined = random_.chance(0.5);
        std::vector<question> asked;
        std::string bytes;
        for (std::size_t number = 0; number < count; ++number) {
            asked.push_back(questions[random_.below(questions.size())]);
            bytes += asked.back().text;
        }
        asked_ += count;
        answer_reader answers(server);
        const instant began = here_.now();
        mine.ask();
        if (pipelined) crowd_.start(send_all(mine.shared_line(), bytes));
        served present(*this, mine);
        for (const question& each : asked) {
            mine.ask();
            if (!pipelined && !co_await server.send(each.text)) {
                expect(mine.is_excused(), "a connection broke while a request was sent: error {}", server.error());
                co_return;
            }
            const auto got = co_await answers.next(each.has_body);
            if (!got) {
                expect(mine.is_excused() || (pipelined && (here_.now() - began > 25s || may_end_between(answers))),
                       "an answer did not come, or not whole: error {}", server.error());
                co_return;
            }
            const bool is_too_late = got->status == 408 && mine.may_have_stalled();
            if (!is_too_late) check(each, *got);
            if (got->closes()) {
                expect(hours_.ending || is_too_late, "the server closed a connection for no reason");
                if (is_too_late && !each.has_body) co_return; // it may not have known that
                const bool nothing_more = co_await answers.ends();
                expect(nothing_more, "something came after the last answer");
                co_return;
            }
            mine.answered();
            present.begin();
            if (!pipelined) co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 0ns, 3s)));
        }
        present.end(); // the server may close a connection on which nothing is asked
        // Others have their places for two minutes at most, if they ask seldom and fall silent then.
        const duration longest = hours_.has_room ? duration(600s) : 600s + 130s * static_cast<int>(clients_);
        expect(here_.now() - began < longest || has_happened(fault::connection_stalled),
               "a client had to wait for {} s", in_seconds(here_.now() - began));
        expect(!answers.torn(), "something came that nobody had asked for");
        if (random_.chance(0.5)) server.shutdown_send();
        if (random_.chance(0.5)) {
            const bool nothing_more = co_await answers.ends();
            expect(nothing_more, "something came that nobody had asked for");
        }
    }

    static action<> send_all(std::shared_ptr<peer> server, std::string bytes) {
        (void)co_await server->send(std::move(bytes));
    }

    /// Whether the server ends, and need not answer any more of many requests that came at once.
    bool may_end_between(const answer_reader& answers) const {
        return hours_.ending && (!answers.torn() || here_.now() >= hours_.asked_to_end + opening_hours::drain);
    }

    /// Sends its request in bits.
    action<> slow_client() {
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        const question asked = questions[random_.below(questions.size())];
        const duration between = random_.one_of<duration>(1ms, 50ms, 3s);
        mine.ask();
        ++asked_;
        const instant began = here_.now();
        for (const char* next = asked.text; *next != '\0'; ++next) {
            if (!co_await mine.line().send(std::string(1, *next))) break;
            co_await pause(between);
        }
        const bool in_time = here_.now() - began < 9s; // of the 10 that a head has
        answer_reader answers(mine.line());
        const auto got = co_await answers.next(asked.has_body);
        if (!got) {
            expect(mine.is_excused(), "a slow client had no answer: error {}", mine.line().error());
        } else if (got->status == 408) {
            expect(!in_time || mine.may_have_stalled(), "a client that was not too slow was told that it was");
        } else {
            check(asked, *got);
        }
    }

    /// Says what is no request.
    action<> broken_client() {
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        const auto nonsense =
            random_.one_of<std::string_view>("GET\r\n\r\n", std::string_view("\0\0\0\0", 4), "GET / HTTP/1.1\r\n\r\n",
                                             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                                             "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
        const bool well_begun = random_.chance(0.5);
        mine.ask();
        asked_ += 2;
        const bool sent = co_await mine.line().send(std::string(well_begun ? questions[0].text : "").append(nonsense));
        if (sent) mine.line().shutdown_send();
        answer_reader answers(mine.line());
        if (well_begun) {
            const auto first = co_await answers.next(true);
            if (!first) {
                expect(mine.is_excused(), "an answer that was owed before a bad request did not come");
                co_return;
            }
            if (first->status == 408 && mine.may_have_stalled()) co_return;
            check(questions[0], *first);
            if (first->closes()) {
                expect(hours_.ending, "the server closed a connection for no reason");
                co_return;
            }
        }
        const auto refusal = co_await answers.next(true);
        if (!refusal) {
            expect(mine.is_excused(), "nonsense was not answered: error {}", mine.line().error());
            co_return;
        }
        expect(refusal->status >= 400 && refusal->status < 500 && refusal->closes(), "nonsense was answered with {}",
               refusal->status);
        const bool nothing_more = co_await answers.ends();
        expect(nothing_more, "something came after a refusal");
    }

    /// Does not read, does not end, or ends at once.
    action<> hostile_client() {
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        peer& server = mine.line();
        switch (random_.below(5)) {
        case 0: co_await read_late(mine); break;
        case 1: co_await never_end_header(mine); break;
        case 2: // a reset in the middle of something
            ++asked_;
            server.send_now(std::string(questions[0].text).substr(0, random_.between<std::size_t>(0, 28)));
            co_await pause(here_.random_delay(random_.one_of<duration>(10us, 10ms, 1s)));
            server.reset();
            break;
        case 3: // a reset while answers are on their way
            asked_ += 20;
            for (int round = 0; round < 20; ++round) server.send_now(questions[0].text);
            co_await pause(here_.random_delay(random_.one_of<duration>(10us, 10ms, 1s)));
            server.reset();
            break;
        default: // silence
            if (random_.chance(0.5))
                co_await pause(random_.one_of<duration>(1s, 40s, 3600s));
            else
                co_await wait_for_the_end(mine);
        }
        server.close();
    }

    /// Is told when the limit is reached, of 32 KiB.
    action<> never_end_header(visit& mine) {
        peer& server = mine.line();
        mine.ask();
        ++asked_;
        const instant began = here_.now();
        bool goes_on = co_await server.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
        std::size_t sent = 0;
        for (int round = 0; round < 100 && goes_on; ++round) {
            const std::string more(random_.between(1, 3000), 'a');
            sent += more.size();
            goes_on = co_await server.send(more);
            co_await pause(1ms);
        }
        if (sent < 40'000) co_return;
        answer_reader answers(server);
        const auto got = co_await answers.next(true);
        const bool too_late = here_.now() - began > 9s || mine.may_have_stalled();
        expect(got ? (got->status == 431 || (too_late && got->status == 408)) && got->closes() : mine.is_excused(),
               "a header section without end was answered with {}", got ? got->status : 0);
    }

    /// Asks many times at once, and reads nothing for a long time.
    action<> read_late(visit& mine) {
        const question& asked_often = questions[random_.chance(0.2) ? 0 : 1]; // the page, or a short answer
        const std::string_view each = asked_often.text;
        std::size_t sent = 0;
        mine.ask();
        const instant began = here_.now();
        for (std::size_t round = 0; round < 50 && sent == round * each.size(); ++round, ++asked_)
            sent += mine.line().send_now(each);
        const duration unread_for = random_.one_of<duration>(1s, 40s, 200s);
        co_await pause(unread_for);
        const std::size_t asked = sent / each.size();
        const bool asked_in_part = sent % each.size() != 0;
        answer_reader answers(mine.line());
        std::size_t count = 0;
        instant last = began;
        while (const auto got = co_await answers.next(true)) {
            last = here_.now();
            if (got->status == 408 && (asked_in_part || mine.may_have_stalled())) break;
            check(asked_often, *got);
            expect(++count <= asked, "{} questions had {} answers", asked, count);
            if (got->closes()) break;
        }
        // The server waits 30 s until its answers are taken.
        expect(count == asked || unread_for > 30s || last - began > 15s || mine.is_excused() ||
                   may_end_between(answers),
               "{} of {} questions were answered", count, asked);
    }

    /// Asks nothing: an idle connection has a minute.
    action<> wait_for_the_end(visit& mine) {
        const instant began = here_.now();
        (void)co_await mine.line().receive();
        const duration span = here_.now() - began;
        expect(span < 70s || !hours_.has_room, "a silent connection was left open for {} s", in_seconds(span));
        expect(span > 59s || mine.is_excused(), "a silent connection was closed after {} s", in_seconds(span));
    }

    kernel& here_;
    random_source& random_;
    opening_hours hours_;
    std::size_t at_the_start_ = 0; // descriptors
    std::size_t clients_ = 0;
    std::size_t threads_ = 1;
    std::size_t asked_ = 0;    // at most: some of it may not have come
    std::size_t answered_ = 0; // of which somebody has seen the answer
    bool logs_ = false;
    std::vector<const visit*> served_;
    std::size_t most_served_ = 0; // 0 for no bound that matters
    bool listened_ = false;
    peers crowd_; // last: they use all of the above
};

} // namespace

std::size_t threads_of(kernel& here) {
    const std::uint64_t turn = here.seed() / 10;
    if (turn % 3 != 2) return 1;
    here.keep_turns();
    return turn % 2 == 0 ? 2 : 3;
}

void uring_http(kernel& here) {
    const auto kind = here.random().below(100);
    if (kind < 10) return uring_http_times(here);
    if (kind < 13) return uring_http_fairness(here);
    if (kind < 21) return uring_http_drain(here);
    town(here).run();
}

} // namespace simulation::scenarios

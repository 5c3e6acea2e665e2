// uring-http with a folder of files that are rewritten, cut and lengthened while clients fetch them: what arrives whole is what
// a file was at one moment.

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "answers.hpp"
#include "uring_http.hpp"
#include "visit.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr int cannot_serve = 1;

class library {
public:
    explicit library(kernel& here) : here_(here), random_(here.random()) {}

    void run() {
        for (const char* name : names) write(name);
        const std::size_t threads = threads_of(here_);
        const bool few_descriptors = random_.chance(0.2);
        if (few_descriptors)
            here_.set_descriptor_limit(descriptors_of(threads - 1) + random_.between<std::size_t>(10, 30));
        hours_.has_room = !few_descriptors;
        std::vector<std::string> arguments{"uring-http", "--threads", std::to_string(threads),
                                           "--root",     "/site",     "--listen",
                                           fmt::format("127.0.0.1:{}", port)};
        if (random_.chance(0.2)) here_.environment()["TUYAU_WITHOUT"] = "send-file";
        if (random_.chance(0.3)) arguments.insert(arguments.end(), {"--cache", "100000"});
        crowd_.start(librarian());
        const int code = run_program(uring_http_main, arguments);
        const bool could_not_begin = !listened_ && code == cannot_serve;
        expect(code == 0 || could_not_begin, "uring-http ended with exit code {}", code);
    }

private:
    static constexpr std::array names{"empty", "small", "middle", "large"};

    std::string& content(const char* name) {
        auto& kept = here_.disk()[fmt::format("/site/{}", name)];
        if (!kept) kept = std::make_shared<std::string>();
        return *kept;
    }

    std::size_t size_for(std::string_view name) {
        if (name == "empty") return 0;
        // Passed on from a response in memory, from a copy, and read piece by piece.
        const std::size_t around = name == "small" ? 1000 : name == "middle" ? 50'000 : 300'000;
        return random_.between<std::size_t>(around - around / 10, around + around / 10);
    }

    /// Each time with another letter, all through it.
    void write(const char* name) {
        letter_ = letter_ == 'z' ? 'a' : static_cast<char>(letter_ + 1);
        content(name).assign(size_for(name), letter_);
    }

    action<> librarian() {
        co_await until_listening(port);
        if (threads_of(here_) > 1) co_await pause(10ms); // until they are there
        listened_ = true;
        peers all;
        for (auto count = random_.between(1, 4); count != 0; --count) all.start(reader());
        const bool changes = random_.chance(0.7);
        if (changes) all.start(writer());
        if (random_.chance(0.3))
            co_await pause(here_.random_delay(random_.one_of<duration>(10ms, 1s, 10s)));
        else
            co_await all.end();
        hours_.ending = true;
        hours_.asked_to_end = here_.now();
        here_.signal(SIGTERM);
        co_await all.end();
    }

    action<> writer() {
        for (auto times = random_.between(1, 20); times != 0; --times) {
            co_await pause(here_.random_delay(random_.one_of<duration>(100us, 10ms, 1s)));
            const char* name = names[random_.below(names.size())];
            std::string& there = content(name);
            ++changes_;
            switch (random_.below(4)) {
            case 0: there.resize(there.size() / 2); break;
            case 1: there.append(100, letter_ == 'z' ? 'a' : static_cast<char>(letter_ + 1)); break;
            case 2: // another file in its place
                kept_.push_back(std::exchange(here_.disk()[fmt::format("/site/{}", name)], nullptr));
                write(name);
                break;
            default: write(name);
            }
            here_.touch(content(name));
        }
    }

    action<> reader() {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 2s)));
        visit mine(hours_);
        if (!co_await mine.enter(port)) co_return;
        answer_reader answers(mine.line());
        for (auto count = random_.one_of<std::size_t>(1, 2, 3); count != 0; --count) {
            const char* name = names[random_.below(names.size())];
            const bool has_body = random_.chance(0.9);
            const std::uint64_t changes_before = changes_;
            mine.ask();
            const bool sent = co_await mine.line().send(
                fmt::format("{} /{} HTTP/1.1\r\nHost: a\r\n\r\n", has_body ? "GET" : "HEAD", name));
            const instant asked_at = here_.now();
            const auto got = sent ? co_await answers.next(has_body) : std::nullopt;
            if (!got) {
                const bool may_be_short = changes_ != changes_before || any_has_happened({fault::failing_disk});
                const bool was_slow = here_.now() - asked_at > 25s;
                expect(may_be_short || was_slow || mine.is_excused(), "the file {} did not come: error {}", name,
                       mine.line().error());
                co_return;
            }
            check(name, *got, has_body, mine);
            if (got->closes()) co_return;
            mine.answered();
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 0ns, 1500ms)));
        }
        expect(!answers.torn(), "something came that nobody had asked for");
    }

    void check(const char* name, const answer& got, bool has_body, const visit& mine) const {
        if (got.status == 408 && mine.may_have_stalled()) return;
        const bool short_of_something = any_has_happened({fault::failing_disk, fault::process_out_of_descriptors,
                                                          fault::system_out_of_descriptors}) ||
                                        !hours_.has_room;
        if ((got.status == 503 || got.status == 500) && short_of_something) return;
        expect(got.status == 200, "the file {} was answered with {}", name, got.status);
        if (!has_body) return;
        expect(got.length == got.body.size(), "the file {} has {} bytes, and {} came", name, got.length.value_or(0),
               got.body.size());
        // Lengthened, it has another letter at its end: the bytes are as a file had them, not of two.
        const auto first = got.body.substr(0, 1);
        const std::size_t mixed = first.empty() ? std::string::npos : got.body.find_first_not_of(first);
        expect(mixed == std::string::npos || got.body.size() - mixed <= 2000, "the file {} came as a mixture", name);
    }

    kernel& here_;
    random_source& random_;
    opening_hours hours_;
    char letter_ = 'a';
    std::uint64_t changes_ = 0;
    bool listened_ = false;
    std::vector<std::shared_ptr<std::string>> kept_; // so that no two have had the same number
    peers crowd_;                                    // last: they use all of the above
};

} // namespace

void uring_http_files(kernel& here) { library(here).run(); }

} // namespace simulation::scenarios

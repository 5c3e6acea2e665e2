// The chat of exercise 4, among clients that come and go, read slowly or not at all, say too much, or break off.

#include <algorithm>
#include <csignal>
#include <optional>

#include "chat_room.hpp"
#include "excuses.hpp"

int exercise_4_main(int, char**);

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr int cannot_listen = 1;

class chat_story {
public:
    explicit chat_story(kernel& here) : here_(here), random_(here.random()), room_(here) {}

    void run() {
        const auto kind = random_.below(100);
        const bool is_evening = kind >= 7;
        if (is_evening && random_.chance(0.1)) limit_descriptors();
        crowd_.start(is_evening ? host(evening()) : kind < 2 ? host(flood()) : host(fair_share()));
        const int code = run_program(exercise_4_main, {"exercise-4", std::to_string(port)});
        const bool could_not_begin = !listened_ && code == cannot_listen;
        expect(code == 0 || could_not_begin, "the chat ended with exit code {}", code);
        expect(could_not_begin || here_.now() - asked_to_end_ < 1s, "the chat took too long to end");
    }

private:
    /// Some have to wait until others leave. Nobody does for an hour: the program looks again every few milliseconds.
    void limit_descriptors() {
        here_.set_descriptor_limit(random_.between<std::size_t>(8, 20));
        here_.weather().set(fault::connection_stalled, 0);
        room_.let_some_wait();
        is_limited_ = true;
    }

    action<> host(action<> story) {
        co_await until_listening(port);
        listened_ = true;
        co_await pause(10ms); // until it has all that it begins with
        at_the_start_ = here_.open_descriptors();
        co_await story;
        room_.end();
        asked_to_end_ = here_.now();
        here_.signal(SIGTERM);
    }

    /// All kinds of clients, in a few rooms very many.
    action<> evening() {
        const bool crowded = random_.chance(0.03);
        const auto clients = crowded ? 200 : random_.chance(0.03) ? 40 : random_.between<std::size_t>(1, 10);
        const std::size_t most_lines = crowded ? 1 : clients > 10 ? 3 : random_.one_of<std::size_t>(1, 3, 20);
        for (std::size_t count = 0; count < clients; ++count) {
            guest& who = room_.add();
            switch (random_.below(10)) {
            case 0: speakers_.start(one_who_breaks_off(who)); break;
            case 1: speakers_.start(one_who_says_too_much(who)); break;
            case 2: speakers_.start(one_who_does_not_read(who)); break;
            case 3: speakers_.start(polite_one(who, most_lines, random_.between<std::size_t>(1, 100))); break;
            default: speakers_.start(polite_one(who, most_lines, 4096));
            }
        }
        if (random_.chance(0.3)) {
            co_await pause(here_.random_delay(random_.one_of<duration>(10ms, 1s, 100s)));
        } else {
            // Who is not let in, as others who stay have all the descriptors, may wait for ever.
            const instant end = here_.now() + 60s;
            co_await until([&] { return speakers_.done() || (is_limited_ && here_.now() > end); });
            co_await until_all_is_known();
            co_await until_descriptors_are_back();
        }
    }

    /// More is said than is kept for those who do not read.
    action<> flood() {
        set_line(2304, 1024);
        constexpr std::size_t lines = 2400; // twice what is kept, as many may be on their way; and what the line holds
        std::vector<guest*> deaf;
        for (auto count = random_.between(1, 3); count != 0; --count) {
            deaf.push_back(&room_.add());
            speakers_.start(deaf_one(*deaf.back()));
        }
        for (auto count = random_.between(1, 3); count != 0; --count) speakers_.start(polite_one(room_.add(), 3, 4096));
        co_await speakers_.end();
        guest& talker = room_.add();
        if (!co_await enter(talker)) co_return;
        crowd_.start(listen(talker, 4096));
        for (std::size_t count = 0; count < lines && co_await say(talker, 0); ++count)
            if (count % 100 == 0) co_await pause(5ms);
        co_await until_all_is_known();
        if (talker.said.size() != lines || !talker.line->is_open()) co_return;
        for (const guest* each : deaf) {
            if (each->number == 0) continue;
            const bool somebody_heard = std::any_of(room_.guests().begin(), room_.guests().end(),
                                                    [](const guest& other) { return other.stays; });
            expect(!somebody_heard || room_.dropped().contains(each->number), "client {} reads nothing, and was kept",
                   each->number);
        }
    }

    /// Somebody has very much to say, all of it at once; somebody else need not wait until it is over.
    action<> fair_share() {
        here_.weather().calm();
        set_line(262144, 262144);
        constexpr std::size_t lines = 900;
        guest& talker = room_.add();
        guest& quiet = room_.add();
        guest& listener = room_.add();
        for (guest* each : {&listener, &quiet, &talker}) {
            if (!co_await enter(*each)) co_return;
            each->stays = true;
            crowd_.start(listen(*each, 4096));
            co_await until([&] { return each->number != 0; });
        }
        speakers_.start(say_at_once(talker, lines));
        while (listener.next[talker.id] == 0) co_await pause(1us);
        const std::size_t before = listener.next[talker.id];
        (void)quiet.line->send_now(room_.note(quiet, 0) + "\n");
        while (listener.next[quiet.id] == 0) co_await pause(1us);
        const std::size_t between = listener.next[talker.id] - before;
        expect(between < lines / 2, "{} lines of another came before one that was said", between);
        co_await until_all_is_known();
    }

    action<> say_at_once(guest& me, std::size_t lines) {
        std::string all;
        for (std::size_t count = 0; count < lines; ++count) all += room_.note(me, 0) + "\n";
        (void)co_await me.line->send(std::move(all));
    }

    void set_line(std::size_t send_room, std::size_t receive_room) {
        line_quality fixed;
        fixed.latency = random_.one_of<duration>(0ns, 20us);
        fixed.send_room = send_room;
        fixed.receive_room = receive_room;
        here_.net().set_line(fixed);
    }

    /// Those who stay hear all that they must, and nobody has to wait long for the next line.
    action<> until_all_is_known() {
        instant last_change = here_.now();
        std::size_t heard = room_.heard();
        std::string missing;
        co_await until([&] {
            const duration most = has_happened(fault::connection_stalled) ? duration(3h) : duration(60s);
            if (std::exchange(heard, room_.heard()) != room_.heard()) last_change = here_.now();
            missing.clear();
            for (const guest& each : room_.guests())
                if (each.stays && each.number != 0 && !room_.knows_all(each, missing)) break;
            expect(missing.empty() || here_.now() - last_change < most,
                   "for a minute nobody has heard anything, and {}", missing);
            return missing.empty();
        });
    }

    /// The program holds what it held at first, and one connection for each who is still there.
    action<> until_descriptors_are_back() {
        const instant end = here_.now() + (has_happened(fault::connection_stalled) ? duration(3h) : duration(200s));
        co_await until([&] {
            const auto here = [](const guest& each) { return each.line && each.line->is_open(); };
            const auto present = std::count_if(room_.guests().begin(), room_.guests().end(), here);
            const std::size_t open = here_.open_descriptors();
            const std::size_t most = at_the_start_ + static_cast<std::size_t>(present);
            expect(open <= most || here_.now() < end, "{} are there, and {} descriptors are open, {} at first", present,
                   open, at_the_start_);
            return open <= most;
        });
    }

    action<bool> enter(guest& me) {
        me.line = std::make_shared<peer>(co_await peer::connect(port));
        if (me.line->is_open()) co_return true;
        expect(was_kept_out(*me.line) || room_.is_ending(), "a client was not let in: {}",
               strerrorname_np(me.line->error()));
        co_return false;
    }

    /// Until the end of the stream, so many bytes at most at a time.
    action<> listen(guest& me, std::size_t most) {
        me.listening = true;
        for (;;) {
            const std::string bytes = co_await me.line->receive(most);
            if (bytes.empty()) break;
            room_.hear(me, bytes);
            if (most <= 100) co_await pause(here_.random_delay(50ms));
        }
        me.listening = false;
        me.ended_well = me.line->is_open() && me.line->error() == 0;
        if (me.stays) {
            me.stays = false;
            const bool was_dropped = me.ended_well && room_.may_be_too_slow(me);
            expect(was_dropped || was_broken_off(*me.line) || room_.is_ending(),
                   "the program broke off with client {}, who stayed, with {} lines heard: error {}", me.number,
                   me.heard_lines, me.line->error());
        }
        me.line->close();
    }

    action<> until_welcome(guest& me) {
        const instant end = here_.now() + (is_limited_ ? duration(5s) : duration(3h));
        co_await until([&] { return me.number != 0 || !me.line->is_open() || here_.now() > end; });
    }

    action<bool> say(guest& me, std::size_t filler) {
        std::string text = room_.note(me, filler);
        text += random_.chance(0.1) ? "\r\n" : "\n";
        if (random_.chance(0.1)) {
            const std::size_t half = random_.between<std::size_t>(1, text.size() - 1);
            if (!co_await me.line->send(text.substr(0, half))) co_return false;
            co_await pause(here_.random_delay(20ms));
            text.erase(0, half);
        }
        co_return co_await me.line->send(std::move(text));
    }

    std::size_t some_filler() {
        // With a number, a dot and a blank before it and a dot behind, at most a few bytes short of the longest.
        return random_.chance(0.05) ? random_.between<std::size_t>(900, longest_chat_line - 12) : random_.below(30);
    }

    /// Comes, perhaps late; talks; leaves in order, or stays.
    action<> polite_one(guest& me, std::size_t most_lines, std::size_t most_read) {
        co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 2s)));
        if (!co_await enter(me)) co_return;
        me.stays = random_.chance(0.7);
        crowd_.start(listen(me, most_read));
        if (me.stays || random_.chance(0.5)) co_await until_welcome(me);
        for (std::size_t count = random_.between<std::size_t>(0, most_lines); count != 0; --count) {
            if (!co_await say(me, some_filler())) co_return;
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 100ms)));
        }
        if (me.stays || !me.line->is_open()) co_return;
        if (random_.chance(0.5)) {
            me.leaves();
            me.line->close();
            co_return;
        }
        // The last line needs no end.
        if (random_.chance(0.3) && !co_await me.line->send(room_.note(me, 3))) co_return;
        if (!me.line->is_open()) co_return;
        me.leaves();
        me.line->shutdown_send();
    }

    action<> one_who_breaks_off(guest& me) {
        if (!co_await enter(me)) co_return;
        if (random_.chance(0.7)) crowd_.start(listen(me, 4096));
        for (auto count = random_.below(4); count != 0; --count)
            if (!co_await say(me, some_filler())) co_return;
        if (me.line->is_open()) me.line->send_now("this is no line, as it will never");
        co_await pause(here_.random_delay(random_.one_of<duration>(10us, 10ms, 1s)));
        me.leaves();
        me.line->reset();
    }

    action<> one_who_says_too_much(guest& me) {
        if (!co_await enter(me)) co_return;
        me.stays = true;
        crowd_.start(listen(me, 4096));
        for (auto count = random_.below(4); count != 0; --count)
            if (!co_await say(me, some_filler())) co_return;
        me.says_too_much = true;
        me.leaves();
        const auto size = random_.one_of(longest_chat_line + 1, longest_chat_line + 2, longest_chat_line * 5);
        (void)co_await me.line->send(std::string(size, '-') + "\n");
    }

    action<> one_who_does_not_read(guest& me) {
        if (!co_await enter(me)) co_return;
        for (auto count = random_.below(4); count != 0; --count)
            if (!co_await say(me, some_filler())) co_return;
        co_await pause(here_.random_delay(random_.one_of<duration>(1ms, 1s, 10s)));
        if (random_.chance(0.5)) {
            me.leaves();
            me.line->close();
        } else {
            crowd_.start(listen(me, 4096));
        }
    }

    /// Reads its welcome and nothing after that, and is in the middle of a line.
    action<> deaf_one(guest& me) {
        if (!co_await enter(me)) co_return;
        while (me.number == 0) {
            const std::string bytes = co_await me.line->receive(1);
            if (bytes.empty()) co_return;
            room_.hear(me, bytes);
        }
        me.line->send_now("this is no line, as it will never");
    }

    kernel& here_;
    random_source& random_;
    chat_room room_;
    peers crowd_;
    peers speakers_;
    std::size_t at_the_start_ = 0; // descriptors
    bool is_limited_ = false;
    bool listened_ = false;
    instant asked_to_end_{};
};

} // namespace

void chat(kernel& here) { chat_story(here).run(); }

} // namespace simulation::scenarios

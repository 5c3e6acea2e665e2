// 'uring-client tcp': what is typed goes out, and what comes is printed, both at once.

#include "client_session.hpp"
#include "scripted_response.hpp"

namespace simulation::scenarios {
namespace {

enum class kind : unsigned char { hears_all, echoes, ends_early, resets };

class tcp_story {
public:
    explicit tcp_story(kernel& here) : session_(here), here_(here), random_(here.random()) {}

    void run() {
        typed_ = numbered_text(some_size());
        text_ = numbered_text(some_size());
        kind_ = random_.one_of(kind::hears_all, kind::hears_all, kind::echoes, kind::ends_early, kind::resets);
        const bool ends = kind_ != kind::resets || random_.chance(0.5);
        peer_listener listener;
        crowd_.start(serve(listener));
        crowd_.start(session_.feed(typed_, ends));
        const int code = session_.run(
            {"uring-client", "tcp", random_.chance(0.2) ? "::1" : "127.0.0.1", std::to_string(listener.port())});
        judge(code);
    }

private:
    std::size_t some_size() {
        return random_.between<std::size_t>(0, random_.one_of<std::size_t>(0, 10, 500, 500, 5000, 30000));
    }

    action<> serve(peer_listener& listener) {
        const auto client = std::make_shared<peer>(co_await listener.accept());
        switch (kind_) {
        case kind::echoes: co_await echo(*client); break;
        case kind::hears_all: {
            talking_.start(say(client, text_));
            co_await hear(*client);
            co_await talking_.end();
            client->close();
            break;
        }
        case kind::ends_early:
            talking_.start(hear_while_open(client));
            if (co_await send_at_ease(here_, *client, text_) && client->is_open()) client->shutdown_send();
            break;
        case kind::resets:
            (void)co_await send_at_ease(here_, *client,
                                        std::string_view(text_).substr(0, random_.below(text_.size() + 1)));
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 1s)));
            client->reset();
        }
    }

    action<> say(std::shared_ptr<peer> to, std::string_view text) { (void)co_await send_at_ease(here_, *to, text); }

    /// Until the end of what is typed.
    action<> hear(peer& from) {
        for (;;) {
            const std::string bytes = co_await from.receive(random_.one_of<std::size_t>(100, 65536));
            if (bytes.empty()) co_return;
            heard_ += bytes;
            expect(std::string_view(typed_).starts_with(heard_), "{} bytes came that were not typed", heard_.size());
        }
    }

    action<> hear_while_open(std::shared_ptr<peer> from) { co_await hear(*from); }

    action<> echo(peer& client) {
        text_ = typed_;
        for (;;) {
            const std::string bytes = co_await client.receive();
            if (bytes.empty()) break;
            heard_ += bytes;
            if (!co_await client.send(bytes)) break;
        }
        client.close();
    }

    void judge(int code) {
        const std::string& printed = session_.printed();
        const std::string& expected = kind_ == kind::echoes ? typed_ : text_;
        expect(expected.starts_with(printed), "{} bytes were printed that nobody has sent", printed.size());
        expect(std::string_view(typed_).starts_with(heard_), "{} bytes came that were not typed", heard_.size());
        const double patience = has_happened(fault::connection_stalled)
                                    ? 4 * 3600
                                    : 400 + static_cast<double>(typed_.size() + text_.size()) / 100;
        expect(session_.seconds() <= patience, "it ended after {} s", session_.seconds());
        if (code == done) {
            expect(kind_ != kind::resets, "the connection was reset, and the exit code is 0");
            expect(printed == expected, "{} of {} bytes were printed, and the exit code is 0", printed.size(),
                   expected.size());
            expect(session_.has_read_all(), "not all that was typed was read, and the exit code is 0");
            if (kind_ == kind::hears_all || kind_ == kind::echoes)
                expect(heard_ == typed_, "{} of {} bytes were sent, and the exit code is 0", heard_.size(),
                       typed_.size());
            return;
        }
        if (code == not_written && session_.output_was_closed()) return;
        expect(session_.is_excused(code) ||
                   (kind_ == kind::resets && (code == receive_failed || code == send_failed || code == not_connected)),
               "the exit code is {}", code);
    }

    client_session session_;
    kernel& here_;
    random_source& random_;
    peers crowd_;
    peers talking_;
    kind kind_ = kind::hears_all;
    std::string typed_;
    std::string text_;
    std::string heard_;
};

} // namespace

void uring_client_tcp(kernel& here) { tcp_story(here).run(); }

} // namespace simulation::scenarios

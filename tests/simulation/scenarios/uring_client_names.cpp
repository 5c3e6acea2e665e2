// uring-client and a name with several addresses, of which some lead nowhere: RFC 8305.

#include <algorithm>
#include <string>
#include <vector>

#include "client_session.hpp"

namespace simulation::scenarios {
namespace {

constexpr std::string_view body = "what is at this name";

class name_story {
public:
    explicit name_story(kernel& here) : session_(here), random_(here.random()) {}

    void run() {
        peer_listener listener;
        const std::string authority = fmt::format("several.example:{}", listener.port());
        std::vector<std::string> arguments{"uring-client", "--resolve", authority + ":" + draw_addresses()};
        if (random_.chance(0.3)) {
            limit_ = random_.one_of(0.1, 1.0, 30.0);
            arguments.insert(arguments.end(), {"--connect-timeout", fmt::format("{}", limit_)});
        }
        arguments.push_back(fmt::format("http://{}/", authority));
        crowd_.start(serve_all(listener));
        judge(session_.run(arguments));
    }

private:
    std::string draw_addresses() {
        std::string list;
        const auto count = random_.between<std::size_t>(1, 6);
        for (std::size_t number = 1; number <= count; ++number) {
            const auto fate = random_.below(10);
            if (number > 1) list += ',';
            if (fate < 5) {
                list += fmt::format("203.0.113.{}", number); // nobody is there, see tcp_socket::connect
            } else if (fate < 8) {
                list += fmt::format("198.51.100.{}", number); // and there is no way
            } else {
                list += random_.chance(0.3) ? "[::1]" : fmt::format("127.0.0.{}", number);
                reachable_ = true;
            }
        }
        addresses_ = count;
        return list;
    }

    action<> serve_all(peer_listener& listener) {
        for (;;) crowd_.start(serve(co_await listener.accept()));
    }

    /// Attempts that came too late are closed without a word.
    action<> serve(peer client) {
        std::string got;
        while (got.find("\r\n\r\n") == std::string::npos) {
            const std::string bytes = co_await client.receive();
            if (bytes.empty()) co_return;
            got += bytes;
        }
        ++requests_;
        co_await client.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
        while (client.is_open() && !(co_await client.receive()).empty()) {}
    }

    void judge(int code) {
        // Each attempt is given a quarter of a second before the next begins beside it, and the kernel gives up the last
        // one after 127 s, tcp(7). A line may be slow.
        const double attempts = 0.25 * static_cast<double>(addresses_);
        const double kernels_limit = 127;
        const double slowest_line = has_happened(fault::connection_stalled) ? 4 * 3600 : 60;
        expect(requests_ <= 1, "{} requests were made", requests_);
        if (code == done) {
            expect(reachable_ && requests_ == 1, "a page came from nobody");
            expect(session_.printed() == body, "it printed '{}'", session_.printed());
            expect(session_.seconds() <= attempts + slowest_line, "one of {} addresses was found after {} s",
                   addresses_, session_.seconds());
            return;
        }
        expect(body.starts_with(session_.printed()), "it failed, and printed '{}'", session_.printed());
        const std::string& said = session_.complaints();
        expect(std::count(said.begin(), said.end(), '\n') == 1, "it said '{}'", said);
        const double longest = limit_ > 0 ? std::min(limit_, kernels_limit + attempts) : kernels_limit + attempts;
        if (code == timed_out) {
            expect((limit_ > 0 && session_.seconds() >= limit_ - 0.001) || has_happened(fault::connection_timed_out),
                   "after {} s it said that a limit had passed", session_.seconds());
        } else if (code != not_written || !session_.output_was_closed()) {
            expect(client_session::is_excused(code) || (code == not_connected && !reachable_), "the exit code is {}",
                   code);
        }
        expect(requests_ != 0 || has_happened(fault::connection_stalled) || session_.seconds() <= longest + 1,
               "after {} s it was told that nobody is there", session_.seconds());
    }

    client_session session_;
    random_source& random_;
    peers crowd_;
    std::size_t addresses_ = 0;
    std::size_t requests_ = 0;
    bool reachable_ = false;
    double limit_ = 0;
};

} // namespace

void uring_client_names(kernel& here) { name_story(here).run(); }

} // namespace simulation::scenarios

// uring-client against servers that are correct, slow, silent and broken.

#include <algorithm>
#include <charconv>
#include <optional>

#include "client_session.hpp"
#include "scripted_response.hpp"

namespace simulation::scenarios {

void uring_client_tcp(kernel& here);

namespace {

constexpr const char* saved_file = "saved";
constexpr const char* body_file = "body";
constexpr std::string_view saved_before = "what was saved before";

enum class ending : unsigned char { stays, ends, resets };

class request_story {
public:
    explicit request_story(kernel& here) : session_(here), here_(here), random_(here.random()) {}

    void run() {
        const auto fate = random_.below(20);
        if (fate == 0) return nobody_answers();
        to_head_ = random_.chance(0.15);
        with_heads_ = to_head_ || random_.chance(0.3);
        if (fate < 4) {
            response_ = malformed_response(random_, to_head_, with_heads_);
        } else {
            response_ = correct_response(random_, to_head_, with_heads_);
        }
        sent_ = response_.wire.size();
        ending_ = response_.ends_with_connection || random_.chance(0.3) ? ending::ends : ending::stays;
        if (fate >= 4 && fate < 10) {
            sent_ = random_.below(response_.wire.size() + 1);
            ending_ = random_.chance(0.5) ? ending::ends : ending::resets;
        }
        is_silent_ = fate == 10;
        ask();
    }

private:
    void nobody_answers() {
        std::vector<std::string> arguments{"uring-client"};
        const double limit = draw_limit(arguments, "--connect-timeout", 1);
        const auto where = random_.below(3);
        arguments.push_back(where == 0   ? "http://127.0.0.1:9/"
                            : where == 1 ? "http://203.0.113.1/"    // nobody is there, see tcp_socket::connect
                                         : "http://198.51.100.1/"); // and there is no way
        const int code = session_.run(arguments);
        const double kernels_limit = 127; // tcp(7)
        const bool in_time = session_.seconds() <= (limit > 0 ? std::min(limit, kernels_limit) : kernels_limit) + 1;
        const bool may_time_out = where == 1 || (limit > 0 && session_.seconds() >= limit);
        expect(code == not_connected || (code == timed_out && may_time_out),
               "nobody was there, and the exit code is {}", code);
        expect(in_time, "after {} s it was told that nobody is there", session_.seconds());
        expect(session_.printed().empty(), "nobody was there, and said '{}'", session_.printed());
    }

    void ask() {
        peer_listener listener;
        std::vector<std::string> arguments{"uring-client"};
        const std::string address = random_.chance(0.2) ? "[::1]" : "127.0.0.1";
        authority_ = fmt::format("{}:{}", address, listener.port());
        if (to_head_)
            arguments.emplace_back("-I");
        else if (with_heads_)
            arguments.emplace_back("-i");
        const bool verbose = random_.chance(0.2);
        if (verbose) arguments.emplace_back("-v");
        const double connect_limit = draw_limit(arguments, "--connect-timeout", 0.2);
        const double limit = draw_limit(arguments, "-m", is_silent_ ? 0.7 : 0.2);
        if (!to_head_ && random_.chance(0.2)) draw_body(arguments);
        if (random_.chance(0.15)) draw_file(arguments);
        arguments.push_back(fmt::format("http://{}/path?query", authority_));
        crowd_.start(serve(listener));
        judge(session_.run(arguments), limit, connect_limit);
        if (verbose && code_ == done) {
            const std::string told = fmt::format("* received a body of {} bytes\n", body_shown());
            expect(session_.complaints().ends_with(told), "-v does not end with '{}'", told);
        }
    }

    double draw_limit(std::vector<std::string>& arguments, const char* option, double chance) {
        if (!random_.chance(chance)) return 0;
        const double limit = random_.one_of(0.05, 1.0, 30.0, 200.0);
        arguments.insert(arguments.end(), {option, fmt::format("{}", limit)});
        return limit;
    }

    void draw_body(std::vector<std::string>& arguments) {
        body_ = numbered_text(random_.between<std::size_t>(0, random_.one_of<std::size_t>(10, 3000, 100'000)));
        arguments.emplace_back("-d");
        if (random_.chance(0.5)) return arguments.push_back(*body_);
        if (random_.chance(0.3)) {
            here_.disk()[body_file] = std::make_shared<std::string>(*body_ + "\r\n");
            return arguments.push_back(fmt::format("@{}", body_file));
        }
        arguments.emplace_back("@-");
        crowd_.start(session_.feed(*body_ + "\r\n", true));
    }

    void draw_file(std::vector<std::string>& arguments) {
        arguments.insert(arguments.end(), {"-o", saved_file});
        is_saved_ = true;
        was_there_ = random_.chance(0.5);
        if (was_there_) here_.disk()[saved_file] = std::make_shared<std::string>(saved_before);
    }

    /// What the program has printed or saved. A file is there when it is whole, and as it was until then.
    std::string what_came(int code) const {
        const auto& disk = here_.disk();
        const std::size_t others = disk.contains(body_file) ? 1 : 0;
        if (!is_saved_) {
            expect(disk.size() == others, "a file was left that nobody had asked for");
            return session_.printed();
        }
        expect(session_.printed().empty(), "what was to be saved was printed");
        const auto place = disk.find(saved_file);
        const bool is_there = place != disk.end();
        expect(disk.size() == others + (is_there ? 1 : 0), "a temporary file was left");
        if (code == done) {
            expect(is_there, "the file is not there, and the exit code is 0");
            return *place->second;
        }
        expect(is_there == was_there_ && (!is_there || *place->second == saved_before),
               "the exit code is {}, and the file is not what it was before", code);
        return {};
    }

    action<> serve(peer_listener& listener) {
        peer client = co_await listener.accept();
        if (!co_await read_request(client)) co_return;
        if (is_silent_) {
            sent_ = 0;
            ending_ = ending::ends;
            co_await pause(random_.one_of<duration>(10ms, 10s, 300s));
        } else if (!co_await send_at_ease(here_, client, std::string_view(response_.wire).substr(0, sent_))) {
            co_return;
        }
        co_await finish(client);
    }

    action<> finish(peer& client) {
        if (ending_ == ending::ends && random_.chance(0.5))
            client.shutdown_send();
        else if (ending_ == ending::ends)
            client.close();
        if (ending_ == ending::resets) {
            co_await pause(here_.random_delay(random_.one_of<duration>(0ns, 1ms, 1s)));
            client.reset();
        }
        // Until the program has enough.
        while (client.is_open() && !(co_await client.receive()).empty()) {}
    }

    /// The whole of it, and nothing but what was asked for.
    action<bool> read_request(peer& client) {
        std::string got;
        std::size_t end;
        while ((end = got.find("\r\n\r\n")) == std::string::npos) {
            const std::string bytes = co_await client.receive();
            if (bytes.empty()) co_return false;
            got += bytes;
        }
        const std::string_view method = to_head_ ? "HEAD" : body_ ? "POST" : "GET";
        const std::string begin = fmt::format("{} /path?query HTTP/1.1\r\nHost: {}\r\n", method, authority_);
        expect(got.starts_with(begin), "the request was '{}'", got);
        const std::string length = fmt::format("\r\nContent-Length: {}\r\n", body_ ? body_->size() : 0);
        expect(!body_ || got.find(length) < end, "the request does not tell the size of its body: '{}'",
               got.substr(0, end));
        const std::size_t whole = end + 4 + (body_ ? body_->size() : 0);
        while (got.size() < whole) {
            const std::string bytes = co_await client.receive();
            if (bytes.empty()) co_return false;
            got += bytes;
        }
        expect(got.substr(end + 4) == body_.value_or(""), "the request's body is not what was to be sent");
        co_return true;
    }

    void judge(int code, double limit, double connect_limit) {
        code_ = code;
        const std::string printed = what_came(code);
        const std::string_view shown = response_.shown;
        expect(shown.starts_with(printed), "it printed {} bytes, which are not in the response's {}", printed.size(),
               shown.size());
        if (code == done) {
            expect(is_whole(), "the response was not whole, and the exit code is 0");
            expect(printed.size() == what_is_whole(), "{} of {} bytes were printed", printed.size(), what_is_whole());
        }
        const double seconds = session_.seconds();
        expect(limit == 0 || seconds <= limit + 1, "with a limit of {} s it ended after {} s", limit, seconds);
        // What a line takes that is as slow as any.
        const double patience =
            has_happened(fault::connection_stalled) ? 4 * 3600 : 400 + static_cast<double>(response_.wire.size()) / 100;
        expect(seconds <= patience, "it ended after {} s", seconds);
        if (code == timed_out) {
            const double shortest = std::min(limit > 0 ? limit : 1e9, connect_limit > 0 ? connect_limit : 300);
            const bool has_passed = seconds >= shortest - 0.001 || has_happened(fault::connection_timed_out);
            expect(has_passed, "after {} s it said that a limit had passed", seconds);
            return;
        }
        if (code == not_written && session_.output_was_closed()) return;
        expect(is_expected(code) || is_excused(code),
               "the exit code is {}: {} of {} bytes of a {} response were sent, then it {}", code, sent_,
               response_.wire.size(), response_.is_malformed ? "malformed" : "correct",
               ending_ == ending::stays  ? "stayed"
               : ending_ == ending::ends ? "ended"
                                         : "was reset");
    }

    /// Without a descriptor there is no file either.
    bool is_excused(int code) const {
        const bool was_short = any_has_happened({fault::process_out_of_descriptors, fault::system_out_of_descriptors,
                                                 fault::failing_disk, fault::full_disk});
        return session_.is_excused(code) ||
               (was_short && ((is_saved_ && code == not_written) || (body_ && code == not_read)));
    }

    /// Whether the client can have taken it for whole.
    bool is_whole() const {
        if (response_.is_malformed || is_silent_) return false;
        if (response_.ends_with_connection) return sent_ >= response_.body_begin && ending_ == ending::ends;
        return sent_ == response_.wire.size();
    }

    /// Of what is shown, if that is not all that is missing: a body that the connection ends is as long as it got.
    std::size_t what_is_whole() const {
        return response_.shown.size() - (response_.ends_with_connection ? response_.wire.size() - sent_ : 0);
    }

    std::size_t body_shown() const {
        return response_.body_size - (response_.ends_with_connection ? response_.wire.size() - sent_ : 0);
    }

    bool is_expected(int code) const {
        if (response_.is_malformed) return code == malformed;
        if (ending_ == ending::resets) {
            // What had come before the reset may have been enough.
            return code == receive_failed || (code == done && is_whole());
        }
        if (is_whole()) return code == done;
        const bool nothing = is_silent_ || sent_ == 0;
        if (nothing) return code == empty_reply;
        if (sent_ <= response_.final_begin) return code == empty_reply || code == cut_short;
        return code == cut_short;
    }

    client_session session_;
    kernel& here_;
    random_source& random_;
    peers crowd_;
    scripted_response response_;
    std::size_t sent_ = 0; // of its bytes
    ending ending_ = ending::stays;
    bool is_silent_ = false;
    bool to_head_ = false;
    bool with_heads_ = false;
    bool is_saved_ = false;
    bool was_there_ = false;
    std::string authority_;
    std::optional<std::string> body_;
    int code_ = 0;
};

} // namespace

void uring_client(kernel& here) {
    if (here.random().chance(0.3)) return uring_client_tcp(here);
    request_story(here).run();
}

} // namespace simulation::scenarios

#include <tuyau/net/http/server.hpp>

#include <string>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>

namespace tuyau::http {
namespace {

// After the last response of a connection that the client has not finished with: how long, and how much, to read and
// forget, so that closing does not destroy the response on its way (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::size_t linger_bytes = 1024 * 1024;

constexpr std::size_t most_idle_batches = 64;

std::string error_page(const refusal& why) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} {1}</title></head>\n"
        "<body><h1>{0} {1}</h1><p>{2}</p></body></html>\n",
        why.status, reason(why.status), why.reason);
}

} // namespace

/// One connection. While it is idle it is all that there is of it: it holds no parser, no batch and no frame but that of
/// `converse`.
class server::session : public list_node {
public:
    session(server& owner, tcp_stream stream, await_chain* chain) noexcept
        : owner_(owner), stream_(std::move(stream)), limit_(chain) {
        owner_.sessions_.push_back(*this);
    }

    bool over() const noexcept { return over_; }

    /// Whether there is something to wait for, and time.
    bool may_wait() noexcept {
        set_limit();
        idle_ = parser_ == nullptr;
        // The time may pass while bytes come that complete nothing.
        return !(idle_ && owner_.draining_) && !limit_.expired();
    }

    tcp_stream::readable_operation readable() & noexcept { return stream_.readable(); }

    /// After a wait, or none: answers what came, or ends the connection.
    task<> go_on(bool waited, bool came) {
        idle_ = false;
        over_ = !came;
        if (!came && limit_.expired()) co_return co_await give_up_waiting();
        if (!waited) co_return co_await linger();
        if (!came) co_return;
        auto received = co_await stream_.receive();
        over_ = !received || received->empty();
        if (over_) co_return;

        auto batch = owner_.take_batch();
        const bool unread = answer(received->text(), *batch);
        received->release();
        if (!batch->empty()) {
            set_send_limit();
            auto sent = co_await stream_.send(batch->pieces());
            over_ = over_ || !sent;
            if (!sent) co_return;
        }
        owner_.give_back(std::move(batch));
        if (unread) co_await linger();
    }

    /// Ends the connection if it waits for a request that has not begun.
    void end_if_idle() noexcept {
        if (idle_) limit_.interrupt();
    }

private:
    enum class phase : unsigned char { none, idle, head, body };

    /// Sets the time that the client has. For a head or a body it is set once, when it begins: sending it byte by byte
    /// gains nothing.
    void set_limit() noexcept {
        const phase present = !in_request() ? phase::idle : parser_->in_body() ? phase::body : phase::head;
        if (std::exchange(phase_, present) == present) return;
        const server_limits& limits = owner_.limits_;
        limit_.expires_after(present == phase::idle   ? limits.idle_time
                             : present == phase::head ? limits.header_time
                                                      : limits.body_time);
    }

    void set_send_limit() noexcept {
        limit_.expires_after(owner_.limits_.send_time);
        phase_ = phase::none;
    }

    bool in_request() const noexcept { return parser_ != nullptr && parser_->in_request(); }

    /// Appends the answers to all requests in `bytes`; whether the client may have more to say that will not be read.
    bool answer(std::string_view bytes, response_batch& batch) {
        if (parser_ == nullptr) parser_ = owner_.take_parser();
        const bool unread = answer_each(bytes, batch);
        if (parser_->at_rest() && !over_) owner_.give_back(std::move(parser_));
        return unread;
    }

    bool answer_each(std::string_view bytes, response_batch& batch) {
        while (!bytes.empty()) {
            switch (parser_->parse(bytes)) {
            case request_parser::step::more: return false;
            case request_parser::step::expects_continue:
                if (bytes.empty()) batch.add_interim(100);
                break;
            case request_parser::step::request: {
                phase_ = phase::none;
                const request& asked = parser_->current();
                over_ = !asked.keep_alive || owner_.draining_;
                owner_.handler_.respond(asked, over_, batch, owner_.date_);
                if (over_) return !bytes.empty() || asked.keep_alive;
                break;
            }
            case request_parser::step::refused: refuse(parser_->why(), batch); return true;
            }
        }
        return false;
    }

    void refuse(const refusal& why, response_batch& batch) {
        over_ = true;
        const request& asked = in_request() ? parser_->current() : request{};
        batch.add(asked, true, why.status, "text/html; charset=utf-8", {}, error_page(why), owner_.date_);
    }

    task<> give_up_waiting() {
        over_ = true;
        if (!in_request()) co_return;
        auto batch = owner_.take_batch();
        refuse({408, "The request did not arrive in time."}, *batch);
        set_send_limit();
        if (auto sent = co_await stream_.send(batch->pieces()); !sent) co_return;
        co_await linger();
    }

    task<> linger() {
        if (!stream_.shutdown_send()) co_return;
        limit_.expires_after(linger_time);
        for (std::size_t size = 0; size < linger_bytes && !limit_.expired();) {
            auto received = co_await stream_.receive();
            if (!received || received->empty()) co_return;
            size += received->size();
        }
    }

    server& owner_;
    tcp_stream stream_;
    wait_limit limit_;
    std::unique_ptr<request_parser> parser_; // while a request is under way
    phase phase_ = phase::none;              // whose time is running
    bool over_ = false;                      // the connection ends once its answers are sent
    bool idle_ = false;                      // waits for a request that has not begun
};

task<> server::converse(tcp_stream stream) {
    session here(*this, std::move(stream), co_await this_chain());
    while (!here.over()) {
        const bool waits = here.may_wait();
        bool came = false;
        if (waits) came = co_await here.readable();
        co_await here.go_on(waits, came);
    }
}

task<result<void>> server::serve(tcp_listener& listener) {
    for (;;) {
        while (clients_.size() >= limits_.connections)
            if (!co_await clients_.fewer_than(limits_.connections)) co_return failure(std::errc::operation_canceled);
        auto client = co_await listener.accept();
        if (!client) co_return failure(client.error());
        clients_.spawn(converse(std::move(*client)));
    }
}

task<bool> server::drain() {
    draining_ = true;
    sessions_.for_each([](session& each) { each.end_if_idle(); });
    auto all_finish = [](scope& clients) -> task<bool> {
        await_chain* chain = co_await this_chain();
        co_await clients.join();
        co_return !chain->stop_requested();
    };
    auto finished = co_await with_deadline(limits_.drain_time, all_finish(clients_));
    co_return finished && *finished;
}

std::unique_ptr<request_parser> server::take_parser() {
    return parser_ != nullptr ? std::move(parser_) : std::make_unique<request_parser>(limits_.request);
}

void server::give_back(std::unique_ptr<request_parser> parser) noexcept {
    if (parser_ == nullptr) parser_ = std::move(parser);
}

std::unique_ptr<response_batch> server::take_batch() {
    if (batches_.empty()) return std::make_unique<response_batch>();
    auto batch = std::move(batches_.back());
    batches_.pop_back();
    return batch;
}

void server::give_back(std::unique_ptr<response_batch> batch) noexcept {
    batch->clear();
    if (batches_.size() < most_idle_batches) batches_.push_back(std::move(batch));
}

} // namespace tuyau::http

#include <tuyau/net/http/client/client_response.hpp>

#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/client/client_session.hpp>

namespace tuyau::http {

client_response::client_response(std::unique_ptr<detail::client_session> session) noexcept
    : session_(std::move(session)) {}
client_response::client_response(client_response&&) noexcept = default;
client_response& client_response::operator=(client_response&&) noexcept = default;
client_response::~client_response() = default;

const response_head& client_response::head() const noexcept { return session_->exchange().response().head(); }

task<client_result<std::string_view>> client_response::read() { return session_->read(); }

task<client_result<std::string>> client_response::read_all(std::size_t most) {
    std::string all;
    for (;;) {
        auto piece = co_await session_->read();
        if (!piece) co_return tl::unexpected(std::move(piece.error()));
        if (piece->empty()) co_return all;
        if (piece->size() > most - all.size())
            co_return tl::unexpected(
                session_->failed(client_error::kind::too_large, fmt::format("a body of more than {} bytes", most)));
        all += *piece;
    }
}

std::optional<std::uint64_t> client_response::body_size() const noexcept {
    return session_->exchange().response().body_size();
}

std::uint64_t client_response::body_received() const noexcept {
    return session_->exchange().response().body_received();
}

std::span<const field> client_response::trailers() const noexcept { return session_->exchange().response().trailers(); }

std::string_view client_response::trailer_text() const noexcept {
    return session_->exchange().response().trailer_text();
}

const url& client_response::where() const noexcept { return session_->asked().where; }
unsigned client_response::redirects() const noexcept { return session_->redirects(); }
const connection_info& client_response::connection() const noexcept { return session_->exchange().connection(); }

client_response::times client_response::when() const noexcept {
    return {session_->begun_at(), session_->exchange().sent_at(), session_->exchange().first_byte_at()};
}

} // namespace tuyau::http

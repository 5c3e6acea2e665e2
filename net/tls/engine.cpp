#include <tuyau/net/tls/engine.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/tls/settings.hpp>

namespace tuyau::detail {
namespace {

// Encrypted ahead of a send: enough for one call to be worth it, and no more memory than that.
constexpr std::size_t most_output = 4 * tls_block::size;

constexpr std::size_t first_bytes_kept = 16;

std::string_view bare_name(std::string_view host) {
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

void move_on(std::span<iovec>& pieces, std::size_t size) noexcept {
    while (!pieces.empty()) {
        iovec& front = pieces.front();
        const std::size_t step = std::min(size, front.iov_len);
        front.iov_base = static_cast<char*>(front.iov_base) + step;
        front.iov_len -= step;
        size -= step;
        if (front.iov_len != 0) return;
        pieces = pieces.subspan(1);
    }
}

} // namespace

void tls_engine::free_connection::operator()(SSL* connection) const noexcept { SSL_free(connection); }

tls_engine::tls_engine(const tls_context& context, std::string_view host)
    : settings_(context.settings()), native_(SSL_new(settings_->native())), host_(bare_name(host)),
      is_client_(settings_->is_client()) {
    if (!native_) throw std::bad_alloc();
    BIO* bio = new_transport_bio(wire_);
    SSL_set_bio(native_.get(), bio, bio);
    SSL_set_app_data(native_.get(), this);
    if (!is_client_) {
        SSL_set_accept_state(native_.get());
        return;
    }
    SSL_set_connect_state(native_.get());
    if (!expect(host_)) {
        fail(std::make_error_code(std::errc::invalid_argument),
             fmt::format("'{}' is no name that a certificate could be for", printable(host_)));
        return;
    }
    if (auto session = settings_->sessions().take(host_)) SSL_set_session(native_.get(), session.get());
}

tls_engine::~tls_engine() {
    // OpenSSL takes a connection that is given up in the middle for a reason not to resume its session. It is none since
    // TLS 1.1 (RFC 4346, section 7.2.1).
    if (!failure_.code) SSL_set_shutdown(native_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

/// Says whom the peer's certificate must be for, and asks for it by name.
bool tls_engine::expect(std::string_view host) {
    if (host.find('\0') != host.npos) return false;
    if (host.empty()) return !settings_->verifies();
    X509_VERIFY_PARAM* wanted = SSL_get0_param(native_.get());
    if (endpoint::parse(host, 0)) {
        // OpenSSL knows no zone, and an address has no name to ask for (RFC 6066, section 3).
        const std::string address(host.substr(0, host.find('%')));
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, address.c_str()) == 1;
    }
    const std::string name(host);
    // A common name is for people to read (RFC 9525, section 2).
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(native_.get(), name.c_str()) == 1 &&
           SSL_set_tlsext_host_name(native_.get(), name.c_str()) == 1;
}

tls_engine::step tls_engine::handshake() {
    if (failure_.code) return step::failed;
    if (established_) return step::done;
    ERR_clear_error();
    const step outcome = outcome_of(SSL_do_handshake(native_.get()));
    established_ = outcome == step::done;
    return outcome;
}

tls_engine::step tls_engine::read(std::span<std::byte> space, std::size_t& size) {
    size = 0;
    if (failure_.code) return step::failed;
    ERR_clear_error();
    while (size < space.size()) {
        std::size_t got = 0;
        const int returned = SSL_read_ex(native_.get(), space.data() + size, space.size() - size, &got);
        if (returned != 1) {
            const step outcome = outcome_of(returned);
            return size != 0 ? step::done : outcome; // a failure is told the next time
        }
        size += got;
        if (wire_.input.empty() && SSL_has_pending(native_.get()) == 0) break;
    }
    return step::done;
}

tls_engine::step tls_engine::read(tls_buffer& plain) {
    if (failure_.code) return step::failed;
    tls_block block = tls_block::take();
    std::size_t size = 0;
    const step outcome = read(std::as_writable_bytes(std::span(block.data(), tls_block::plain_size)), size);
    plain = outcome == step::done ? tls_buffer(std::move(block), size) : tls_buffer();
    return outcome;
}

tls_engine::step tls_engine::look() {
    if (failure_.code) return step::failed;
    ERR_clear_error();
    char first = 0;
    std::size_t got = 0;
    const int returned = SSL_peek_ex(native_.get(), &first, 1, &got);
    return returned == 1 ? step::done : outcome_of(returned);
}

tls_engine::step tls_engine::write(std::span<iovec>& pieces) {
    if (failure_.code) return step::failed;
    ERR_clear_error();
    move_on(pieces, 0);
    while (!pieces.empty() && wire_.output.size() < most_output) {
        const iovec& front = pieces.front();
        std::size_t size = std::min(front.iov_len, tls_block::plain_size);
        const void* bytes = front.iov_base;
        tls_block gathered;
        if (size < tls_block::plain_size && pieces.size() > 1) { // small pieces share a record
            gathered = tls_block::take();
            size = 0;
            for (const iovec& each : pieces) {
                const std::size_t part = std::min(each.iov_len, tls_block::plain_size - size);
                std::memcpy(gathered.data() + size, each.iov_base, part);
                size += part;
                if (size == tls_block::plain_size) break;
            }
            bytes = gathered.data();
        }
        std::size_t written = 0;
        const int returned = SSL_write_ex(native_.get(), bytes, size, &written);
        if (returned != 1) return outcome_of(returned);
        move_on(pieces, written);
    }
    return step::done;
}

tls_engine::step tls_engine::end_sending() {
    if (failure_.code) return step::failed;
    if (sending_ended_) return step::done;
    ERR_clear_error();
    // In the middle of a message that came after the handshake OpenSSL does not shut down.
    if (SSL_in_init(native_.get()) != 0) {
        const step outcome = outcome_of(SSL_do_handshake(native_.get()));
        if (outcome != step::done) return outcome;
    }
    const int returned = SSL_shutdown(native_.get());
    if (returned < 0) {
        const step outcome = outcome_of(returned);
        if (outcome == step::failed) return outcome;
    }
    sending_ended_ = true;
    return step::done;
}

void tls_engine::feed(std::string_view bytes) noexcept {
    if (!established_ && first_bytes_.size() < first_bytes_kept)
        first_bytes_ += bytes.substr(0, first_bytes_kept - first_bytes_.size());
    wire_.input = bytes;
}

bool tls_engine::keep_input() {
    if (wire_.input.empty()) return true;
    // What was kept before is at the end of its block, and is what is left now.
    if (kept_ && wire_.input.data() >= kept_.data() && wire_.input.data() < kept_.data() + tls_block::size) return true;
    if (wire_.input.size() > tls_block::size) return false;
    kept_ = tls_block::take();
    std::memcpy(kept_.data(), wire_.input.data(), wire_.input.size());
    wire_.input = {kept_.data(), wire_.input.size()};
    return true;
}

void tls_engine::end_input() {
    input_ended_ = true;
    if (failure_.code || (SSL_get_shutdown(native_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) return;
    if (established_)
        fail(tls_errc::truncated,
             peer() + " ended the connection without the end of TLS: what came may have been cut short");
    else if (first_bytes_.empty())
        fail(tls_errc::closed_in_handshake, peer() + " closed the connection without a word of TLS");
    else
        explain_first_bytes();
    if (!failure_.code)
        fail(tls_errc::closed_in_handshake, peer() + " closed the connection in the middle of the TLS handshake");
}

tls_engine::step tls_engine::outcome_of(int returned) {
    if (returned > 0) return step::done;
    const int kind = SSL_get_error(native_.get(), returned);
    if (kind == SSL_ERROR_WANT_READ) return step::needs_input;
    if (kind == SSL_ERROR_ZERO_RETURN) return step::ended;
    explain(ERR_peek_last_error());
    ERR_clear_error();
    return step::failed;
}

tls_engine::step tls_engine::fail(std::error_code code, std::string text) {
    failure_ = {code, std::move(text)};
    return step::failed;
}

tls_engine::step tls_engine::fail(tls_errc code, std::string text) {
    return fail(make_error_code(code), std::move(text));
}

std::string_view tls_engine::protocol() const noexcept {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(native_.get(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
}

std::string_view tls_engine::version() const noexcept { return SSL_get_version(native_.get()); }

std::string_view tls_engine::cipher() const noexcept {
    const char* name = SSL_get_cipher_name(native_.get());
    return name != nullptr ? name : "";
}

std::string_view tls_engine::server_name() const noexcept {
    if (is_client_) return host_;
    const char* name = SSL_get_servername(native_.get(), TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
}

bool tls_engine::session_reused() const noexcept { return SSL_session_reused(native_.get()) == 1; }

std::optional<tls_certificate> tls_engine::peer_certificate() const {
    X509* certificate = SSL_get0_peer_certificate(native_.get());
    if (certificate == nullptr) return std::nullopt;
    return read_certificate(certificate);
}

int tls_engine::on_new_session(SSL* connection, SSL_SESSION* session) {
    const auto* engine = static_cast<tls_engine*>(SSL_get_app_data(connection));
    try {
        owned_session owned(session);
        engine->settings_->sessions().put(engine->host_, std::move(owned));
    } catch (const std::bad_alloc&) { // then the session, freed by now, is not resumed
    }
    return 1; // it is ours
}

} // namespace tuyau::detail

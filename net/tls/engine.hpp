#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/uio.h>

#include <openssl/types.h>

#include <tuyau/net/tls/block.hpp>
#include <tuyau/net/tls/certificate.hpp>
#include <tuyau/net/tls/tls_buffer.hpp>
#include <tuyau/net/tls/tls_context.hpp>
#include <tuyau/net/tls/tls_error.hpp>
#include <tuyau/net/tls/transport_bio.hpp>

struct ssl_session_st; // SSL_SESSION, which <openssl/types.h> has not

namespace tuyau::detail {

/// One end of a TLS connection, between bytes that have come and bytes that are to be sent: OpenSSL's connection object. It
/// knows no socket and waits for nothing; each step does what it can. Stays where it is.
class tls_engine {
public:
    enum class step {
        done,
        needs_input, ///< the same again, once there is input
        ended,       ///< the peer has said that it has said all
        failed       ///< for good: see `failure`
    };

    /// `host` is whom a client wants to talk to; a server's is empty. Throws `std::bad_alloc`.
    tls_engine(const tls_context& context, std::string_view host);
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;
    ~tls_engine();

    step handshake();

    /// Decrypts what there is, as much as one lease holds.
    step read(tls_buffer& plain);
    step read(std::span<std::byte> space, std::size_t& size);

    /// Whether `read` has something at once: done, ended or failed.
    step look();

    /// Encrypts what a few records hold and takes it off `pieces`.
    step write(std::span<iovec>& pieces);

    /// Queues the word that all has been said (close_notify).
    step end_sending();

    /// What came next; it must stay where it is until `input_used`, or until it is kept.
    void feed(std::string_view bytes) noexcept;
    bool input_used() const noexcept { return wire_.input.empty(); }

    /// Copies what is left of the input, so that its owner can go. False if that is more than a block holds: then it stays
    /// where it is.
    bool keep_input();

    /// The transport has ended.
    void end_input();

    tls_output& output() noexcept { return wire_.output; }

    bool is_client() const noexcept { return is_client_; }
    bool established() const noexcept { return established_; }
    bool sending_ended() const noexcept { return sending_ended_; }
    const tls_failure& failure() const noexcept { return failure_; }

    std::string_view protocol() const noexcept;
    std::string_view version() const noexcept;
    std::string_view cipher() const noexcept;
    std::string_view server_name() const noexcept;
    bool session_reused() const noexcept;
    std::optional<tls_certificate> peer_certificate() const;

    /// Callbacks of OpenSSL's.
    static int on_verify(int good, X509_STORE_CTX* chain);
    static int on_new_session(SSL* connection, ssl_session_st* session);

private:
    struct free_connection {
        void operator()(SSL* connection) const noexcept;
    };

    bool expect(std::string_view host);
    step outcome_of(int returned);
    step fail(std::error_code code, std::string text);
    step fail(tls_errc code, std::string text);
    void explain(unsigned long error);
    void explain_alert(int alert);
    void explain_first_bytes();
    void judge(X509_STORE_CTX* chain);
    std::string peer() const;
    std::string owner() const;

    std::shared_ptr<tls_settings> settings_;
    tls_wire wire_;
    std::unique_ptr<SSL, free_connection> native_;
    std::string host_; // without brackets, and without a dot at its end
    std::string first_bytes_;
    tls_block kept_;
    tls_failure failure_;
    tls_failure verdict_; // on the peer's certificate, while it is being verified
    bool is_client_;
    bool established_ = false;
    bool sending_ended_ = false;
    bool input_ended_ = false;
};

} // namespace tuyau::detail

#include "tls_conversation.hpp"

#include <csignal>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace tests {
namespace {

constexpr timeval patience{60, 0};

void require(bool done, const char* what) {
    if (done) return;
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    throw std::runtime_error(std::string(what) + ": " + text);
}

std::shared_ptr<BIO> memory_of(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

int choose_http(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                unsigned offered_size, void*) {
    static constexpr unsigned char http[] = "\x08http/1.1";
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, size, http, sizeof http - 1, offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

tls_identity::tls_identity(const identity& whose, bool speaks_http)
    : native_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    const std::string certificate_text = whose.certificate();
    const std::string key_text = whose.key();
    const std::shared_ptr<X509> certificate(
        PEM_read_bio_X509(memory_of(certificate_text).get(), nullptr, nullptr, nullptr), X509_free);
    const std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(memory_of(key_text).get(), nullptr, nullptr, nullptr),
                                        EVP_PKEY_free);
    require(SSL_CTX_use_certificate(native(), certificate.get()) == 1, "certificate");
    require(SSL_CTX_use_PrivateKey(native(), key.get()) == 1, "key");
    static constexpr unsigned char context[] = "tests";
    SSL_CTX_set_session_id_context(native(), context, sizeof context);
    if (speaks_http) SSL_CTX_set_alpn_select_cb(native(), choose_http, nullptr);
}

tls_conversation::tls_conversation(conversation& over, const tls_identity& as)
    : native_(SSL_new(as.native()), SSL_free) {
    ::setsockopt(over.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(over.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sigset_t broken_pipe; // which OpenSSL's writes may raise; it goes with this thread
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    ERR_clear_error();
    require(SSL_set_fd(native_.get(), over.fd()) == 1, "socket");
    require(SSL_accept(native_.get()) == 1, "handshake");
}

std::string tls_conversation::receive_head() {
    std::string head;
    char next = 0;
    ERR_clear_error();
    while (!head.ends_with("\r\n\r\n") && SSL_read(native_.get(), &next, 1) == 1) head += next;
    hand_over();
    return head;
}

void tls_conversation::send(const std::string& bytes) {
    hand_over();
    ERR_clear_error();
    require(SSL_write(native_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0, "write");
}

void tls_conversation::send_ticket() {
    ERR_clear_error();
    require(SSL_new_session_ticket(native_.get()) == 1 && SSL_do_handshake(native_.get()) == 1, "ticket");
}

void tls_conversation::send_new_keys() {
    ERR_clear_error();
    require(SSL_key_update(native_.get(), SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(native_.get()) == 1,
            "new keys");
}

void tls_conversation::say_end() {
    hand_over();
    ERR_clear_error();
    require(SSL_shutdown(native_.get()) >= 0, "end");
}

bool tls_conversation::ends_in_order() {
    ERR_clear_error();
    char rest[4096];
    while (SSL_read(native_.get(), rest, sizeof rest) > 0) {}
    hand_over();
    return (SSL_get_shutdown(native_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

bool tls_conversation::was_resumed() const { return SSL_session_reused(native_.get()) == 1; }

std::string tls_conversation::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(native_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string tls_conversation::name() const {
    const char* asked = SSL_get_servername(native_.get(), TLSEXT_NAMETYPE_host_name);
    return asked != nullptr ? asked : "";
}

} // namespace tests

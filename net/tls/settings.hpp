#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include <tuyau/net/tls/session_cache.hpp>
#include <tuyau/net/tls/tls_context.hpp>

namespace tuyau::detail {

/// What a `tls_context` shares: OpenSSL's context, and what its callbacks need.
class tls_settings {
public:
    explicit tls_settings(const tls_client_options& options);
    explicit tls_settings(const tls_server_options& options);

    SSL_CTX* native() const noexcept { return native_.get(); }
    bool is_client() const noexcept { return is_client_; }
    bool verifies() const noexcept { return verifies_; }
    tls_version least() const noexcept { return least_; }
    session_cache& sessions() noexcept { return sessions_; }

private:
    struct free_context {
        void operator()(SSL_CTX* context) const noexcept;
    };

    void set_versions(tls_version least, tls_version most);
    void set_protocols(const std::vector<std::string>& protocols);
    void use_certificate(const std::string& certificate_file, const std::string& key_file);
    void trust_file(const std::string& path);
    void trust_folder(const std::string& path);
    void trust_system();
    void refuse_revoked(const std::string& path);
    static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                               unsigned offered_size, void* settings);

    std::unique_ptr<SSL_CTX, free_context> native_;
    bool is_client_;
    bool verifies_;
    tls_version least_;
    std::string protocols_; // as on the wire: each after its size
    session_cache sessions_;
};

} // namespace tuyau::detail

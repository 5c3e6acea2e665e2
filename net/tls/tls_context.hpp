#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tuyau {

enum class tls_version { tls1_2, tls1_3 };

/// What a client asks of the servers that it talks to. Files are PEM. An empty path is none.
struct tls_client_options {
    bool verify = true; ///< false: anybody may be at the other end, and read and change all that is said

    /// Whom to trust, in place of the system's store: a file of certificates, a folder as c_rehash(1) makes it, or both.
    std::string ca_file = {};
    std::string ca_folder = {};

    /// Lists of revoked certificates. Given one, each certificate's issuer must have a current list in it.
    std::string crl_file = {};

    /// What the client shows to a server that asks who it is: its certificate, with those between it and an authority, and
    /// the key. A missing key is looked for in the same file.
    std::string certificate_file = {};
    std::string key_file = {};

    std::vector<std::string> protocols =
        {}; ///< ALPN: what can be spoken above, the liked best first; such as `http/1.1`
    tls_version least = tls_version::tls1_2;
    tls_version most = tls_version::tls1_3;
    std::size_t sessions = 256; ///< kept to be resumed; 0 resumes none
};

/// What a server shows, and asks of its clients. Files are PEM.
struct tls_server_options {
    std::string certificate_file = {}; ///< its own first, then those between it and an authority
    std::string key_file = {};         ///< empty: in the same file

    /// ALPN: what is spoken above, the liked best first. A client that offers other ones only is turned away, one that
    /// offers none is not.
    std::vector<std::string> protocols = {};

    enum class client_certificate { not_asked, asked, required };
    client_certificate client = client_certificate::not_asked;
    std::string client_ca_file = {}; ///< who vouches for clients; needed where they are asked
    std::string crl_file = {};       ///< revoked ones of theirs

    tls_version least = tls_version::tls1_2;
    tls_version most = tls_version::tls1_3;
};

namespace detail {
class tls_settings;
}

/// One end's settings for any number of connections: certificates, whom to trust, and a client's sessions. Made once, since
/// it reads files, and blocks for that. A value that is cheap to copy; copies share all. May be used by several threads.
///
/// The two makers throw `std::system_error`, which names the file and what is wrong with it. Without `ca_file` and
/// `ca_folder` a client trusts the system's store, or what the variables SSL_CERT_FILE and SSL_CERT_DIR name.
class tls_context {
public:
    static tls_context client(const tls_client_options& options = {});
    static tls_context server(const tls_server_options& options);

    const std::shared_ptr<detail::tls_settings>& settings() const noexcept { return settings_; }

private:
    explicit tls_context(std::shared_ptr<detail::tls_settings> settings) noexcept : settings_(std::move(settings)) {}

    std::shared_ptr<detail::tls_settings> settings_;
};

} // namespace tuyau

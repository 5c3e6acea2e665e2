#include <tuyau/net/tls/settings.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <system_error>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <tuyau/net/tls/engine.hpp>

namespace tuyau::detail {
namespace {

/// Throws the reason why a file is of no use: the system's where it cannot even be read, else OpenSSL's.
[[noreturn]] void fail(const std::string& what, const std::string& path) {
    const unsigned long error = ERR_peek_last_error();
    if (!path.empty() && ::access(path.c_str(), R_OK) != 0)
        throw std::system_error(errno, std::system_category(), "cannot read the " + what + " '" + path + "'");
    std::string text = "cannot use the " + what + " '" + path + "'";
    if (const char* reason = ERR_reason_error_string(error)) text += std::string(" (") + reason + ")";
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), text);
}

[[noreturn]] void refuse(const std::string& what) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
}

int native_version(tls_version version) { return version == tls_version::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION; }

/// A key that needs a pass phrase is of no use: OpenSSL would ask for it on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

/// Certificates that a folder holds under their hashes, as OpenSSL looks them up one by one.
std::size_t certificates_in_folder(const char* folder) {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& each : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = each.path().filename().string();
        if (name.size() == 10 && name[8] == '.' && name[9] >= '0' && name[9] <= '9') ++count;
    }
    return count;
}

std::size_t certificates_in_file(const char* path) {
    std::size_t count = 0;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("-----BEGIN ")) ++count;
    return count;
}

} // namespace

void tls_settings::free_context::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

tls_settings::tls_settings(const tls_client_options& options)
    : native_(SSL_CTX_new(TLS_client_method())), is_client_(true), verifies_(options.verify), least_(options.least),
      sessions_(options.sessions) {
    if (!native_) throw std::bad_alloc();
    set_versions(options.least, options.most);
    if (options.verify && options.ca_file.empty() && options.ca_folder.empty()) trust_system();
    if (!options.ca_file.empty()) trust_file(options.ca_file);
    if (!options.ca_folder.empty()) trust_folder(options.ca_folder);
    if (!options.crl_file.empty()) refuse_revoked(options.crl_file);
    if (!options.certificate_file.empty()) use_certificate(options.certificate_file, options.key_file);
    SSL_CTX_set_verify(native(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       options.verify ? &tls_engine::on_verify : nullptr);
    set_protocols(options.protocols);
    const auto* wire = reinterpret_cast<const unsigned char*>(protocols_.data());
    SSL_CTX_set_alpn_protos(native(), wire, static_cast<unsigned>(protocols_.size()));
    if (options.sessions == 0) {
        SSL_CTX_set_session_cache_mode(native(), SSL_SESS_CACHE_OFF);
        return;
    }
    SSL_CTX_set_session_cache_mode(native(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native(), &tls_engine::on_new_session);
}

tls_settings::tls_settings(const tls_server_options& options)
    : native_(SSL_CTX_new(TLS_server_method())), is_client_(false),
      verifies_(options.client != tls_server_options::client_certificate::not_asked), least_(options.least),
      sessions_(0) {
    if (!native_) throw std::bad_alloc();
    if (options.certificate_file.empty()) refuse("a TLS server needs a certificate");
    set_versions(options.least, options.most);
    use_certificate(options.certificate_file, options.key_file);
    SSL_CTX_set_options(native(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    static constexpr unsigned char id[] = "tuyau"; // sessions with a client's certificate need one
    SSL_CTX_set_session_id_context(native(), id, sizeof id);
    SSL_CTX_set_session_cache_mode(native(), SSL_SESS_CACHE_OFF); // tickets hold all: nothing is kept for clients
    set_protocols(options.protocols);
    if (!protocols_.empty()) SSL_CTX_set_alpn_select_cb(native(), &choose_protocol, this);
    if (!verifies_) return;
    if (options.client_ca_file.empty())
        refuse("a TLS server that asks for certificates needs to know who vouches for them");
    trust_file(options.client_ca_file);
    SSL_CTX_set_client_CA_list(native(), SSL_load_client_CA_file(options.client_ca_file.c_str()));
    if (!options.crl_file.empty()) refuse_revoked(options.crl_file);
    const bool required = options.client == tls_server_options::client_certificate::required;
    SSL_CTX_set_verify(native(), SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       &tls_engine::on_verify);
}

void tls_settings::set_versions(tls_version least, tls_version most) {
    if (least > most) refuse("the least version of TLS that is allowed is above the highest");
    SSL_CTX_set_min_proto_version(native(), native_version(least));
    SSL_CTX_set_max_proto_version(native(), native_version(most));
    SSL_CTX_set_mode(native(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(native(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_default_passwd_cb(native(), &no_pass_phrase);
}

void tls_settings::set_protocols(const std::vector<std::string>& protocols) {
    for (const std::string& each : protocols) {
        if (each.empty() || each.size() > 255)
            refuse("the name of a protocol for ALPN has 1 to 255 bytes, not as '" + each + "'");
        protocols_ += static_cast<char>(each.size());
        protocols_ += each;
    }
}

void tls_settings::use_certificate(const std::string& certificate_file, const std::string& key_file) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(native(), certificate_file.c_str()) != 1)
        fail("certificate", certificate_file);
    const std::string& key = key_file.empty() ? certificate_file : key_file;
    if (SSL_CTX_use_PrivateKey_file(native(), key.c_str(), SSL_FILETYPE_PEM) != 1) fail("key", key);
}

void tls_settings::trust_file(const std::string& path) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(native(), path.c_str()) != 1) fail("file of trusted certificates", path);
    // Who is named as trusted is, also without somebody above it.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(native()), X509_V_FLAG_PARTIAL_CHAIN);
}

void tls_settings::trust_folder(const std::string& path) {
    ERR_clear_error();
    std::error_code error;
    if (!std::filesystem::is_directory(path, error))
        throw std::system_error(error ? error : std::make_error_code(std::errc::not_a_directory),
                                "cannot use the folder of trusted certificates '" + path + "'");
    if (SSL_CTX_load_verify_dir(native(), path.c_str()) != 1) fail("folder of trusted certificates", path);
}

void tls_settings::trust_system() {
    // OpenSSL takes 50 ms to read the default file, which is longer than all the rest, and asks the folder for what is
    // needed alone. Where the folder holds no fewer certificates the system keeps the same ones in both.
    const char* file = ::secure_getenv(X509_get_default_cert_file_env());
    const char* folder = ::secure_getenv(X509_get_default_cert_dir_env());
    const std::size_t in_folder = certificates_in_folder(folder != nullptr ? folder : X509_get_default_cert_dir());
    const bool is_enough = file == nullptr && in_folder >= certificates_in_file(X509_get_default_cert_file());
    if (is_enough)
        SSL_CTX_set_default_verify_dir(native());
    else
        SSL_CTX_set_default_verify_paths(native());
    ERR_clear_error(); // a store that is not there trusts nobody, which is told when it matters
}

void tls_settings::refuse_revoked(const std::string& path) {
    ERR_clear_error();
    X509_STORE* store = SSL_CTX_get_cert_store(native());
    X509_LOOKUP* files = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (files == nullptr) throw std::bad_alloc();
    if (X509_load_crl_file(files, path.c_str(), X509_FILETYPE_PEM) < 1) fail("list of revoked certificates", path);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

int tls_settings::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                                  unsigned offered_size, void* settings) {
    const std::string& ours = static_cast<tls_settings*>(settings)->protocols_;
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                              static_cast<unsigned>(ours.size()), offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace tuyau::detail

namespace tuyau {

tls_context tls_context::client(const tls_client_options& options) {
    return tls_context(std::make_shared<detail::tls_settings>(options));
}

tls_context tls_context::server(const tls_server_options& options) {
    return tls_context(std::make_shared<detail::tls_settings>(options));
}

} // namespace tuyau

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

namespace tests {

/// What a certificate made for a test says. Days count from now, and may lie in the past.
struct certificate_wish {
    std::string common_name = "test";
    std::vector<std::string> names = {}; ///< as in `DNS:example.org`, `IP:127.0.0.1`
    int valid_from = -1;                 ///< days
    int valid_until = 30;
    bool may_issue = false;
};

/// A key and its certificate, which may issue others if it says so. Made with OpenSSL; no file until one is asked for.
class identity {
public:
    /// Self-signed.
    explicit identity(const certificate_wish& wish);

    identity issue(const certificate_wish& wish) const;

    /// A list of the certificates that this one calls back, in PEM.
    std::string revocation_list(const std::vector<const identity*>& revoked) const;

    std::string certificate() const; ///< PEM
    std::string hash_name() const;   ///< of its file in a folder of trusted certificates, as c_rehash(1) makes it
    std::string key() const;

private:
    identity(const certificate_wish& wish, const identity* issuer);

    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
};

} // namespace tests

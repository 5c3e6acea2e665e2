#include "authority.hpp"

#include <atomic>
#include <cstdio>
#include <functional>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace tests {
namespace {

void check(bool good) {
    if (!good) throw std::runtime_error("OpenSSL makes no certificate");
}

std::string text_written(const std::function<int(BIO*)>& write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
    check(write(memory.get()) == 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

constexpr long day = 24 * 60 * 60;

} // namespace

identity::identity(const certificate_wish& wish) : identity(wish, nullptr) {}

identity identity::issue(const certificate_wish& wish) const { return identity(wish, this); }

identity::identity(const certificate_wish& wish, const identity* issuer)
    : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(X509_new(), &X509_free) {
    static std::atomic<long> serial = 1;
    X509* native = certificate_.get();
    X509* above = issuer != nullptr ? issuer->certificate_.get() : native;
    check(key_ && native != nullptr);
    X509_set_version(native, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(native), serial++);
    X509_gmtime_adj(X509_getm_notBefore(native), wish.valid_from * day);
    X509_gmtime_adj(X509_getm_notAfter(native), wish.valid_until * day);
    X509_NAME* subject = X509_get_subject_name(native);
    const auto* name = reinterpret_cast<const unsigned char*>(wish.common_name.c_str());
    check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1);
    X509_set_issuer_name(native, X509_get_subject_name(above));
    X509_set_pubkey(native, key_.get());
    add_extension(native, above, NID_basic_constraints, wish.may_issue ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(native, above, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) add_extension(native, above, NID_authority_key_identifier, "keyid:always");
    std::string names;
    for (const std::string& each : wish.names) names += (names.empty() ? "" : ",") + each;
    if (!names.empty()) add_extension(native, above, NID_subject_alt_name, names);
    check(X509_sign(native, issuer != nullptr ? issuer->key_.get() : key_.get(), EVP_sha256()) > 0);
}

std::string identity::revocation_list(const std::vector<const identity*>& revoked) const {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), &X509_CRL_free);
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> time(ASN1_TIME_new(), &ASN1_TIME_free);
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
    X509_gmtime_adj(time.get(), -day);
    X509_CRL_set1_lastUpdate(list.get(), time.get());
    for (const identity* each : revoked) {
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each->certificate_.get()));
        X509_REVOKED_set_revocationDate(entry, time.get());
        X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_gmtime_adj(time.get(), day);
    X509_CRL_set1_nextUpdate(list.get(), time.get());
    X509_CRL_sort(list.get());
    check(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
    return text_written([&](BIO* to) { return PEM_write_bio_X509_CRL(to, list.get()); });
}

std::string identity::certificate() const {
    return text_written([&](BIO* to) { return PEM_write_bio_X509(to, certificate_.get()); });
}

std::string identity::hash_name() const {
    char name[24];
    std::snprintf(name, sizeof name, "%08lx.0", X509_subject_name_hash(certificate_.get()));
    return name;
}

std::string identity::key() const {
    return text_written(
        [&](BIO* to) { return PEM_write_bio_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

} // namespace tests

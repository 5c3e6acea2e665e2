#include <tuyau/net/tls/certificate.hpp>

#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>
#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/x509v3.h>

namespace tuyau::detail {
namespace {

std::string_view text_of(const ASN1_STRING* text) {
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
    return {bytes, static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string text_of(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
    if (!memory) return {};
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_ONELINE & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &bytes);
    return size > 0 ? printable(std::string(bytes, static_cast<std::size_t>(size))) : std::string();
}

std::string address_of(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return "an address of no kind";
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    auto* found = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> owner(found, &GENERAL_NAMES_free);
    for (int index = 0; found != nullptr && index < sk_GENERAL_NAME_num(found); ++index) {
        const GENERAL_NAME* each = sk_GENERAL_NAME_value(found, index);
        if (each->type == GEN_DNS) names.push_back(printable(std::string(text_of(each->d.dNSName))));
        if (each->type == GEN_IPADD) names.push_back(address_of(text_of(each->d.iPAddress)));
    }
    return names;
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

} // namespace

std::string printable(std::string text) {
    for (char& each : text) {
        if (each < ' ' || each > '~') each = '?';
    }
    return text;
}

std::string text_of(std::chrono::system_clock::time_point when) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text.data();
}

tls_certificate read_certificate(X509* certificate) {
    return {text_of(X509_get_subject_name(certificate)), text_of(X509_get_issuer_name(certificate)),
            names_of(certificate), time_of(X509_get0_notBefore(certificate)), time_of(X509_get0_notAfter(certificate))};
}

} // namespace tuyau::detail

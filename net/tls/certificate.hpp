#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <openssl/types.h>

namespace tuyau {

/// What a certificate says, for people to read: control characters in it are replaced.
struct tls_certificate {
    std::string subject; ///< as in `C = FR, O = Example, CN = example.org`
    std::string issuer;
    std::vector<std::string> names; ///< that it is for: DNS names and IP addresses
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;
};

namespace detail {

tls_certificate read_certificate(X509* certificate);

/// `2026-11-25 22:53:06 UTC`
std::string text_of(std::chrono::system_clock::time_point when);

/// The bytes that can be shown on a terminal; a question mark in place of each other one.
std::string printable(std::string text);

} // namespace detail

} // namespace tuyau

#pragma once

#include <string_view>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {

/// What the Transfer-Encoding fields of a request say together (RFC 9112, section 6.1).
class transfer_codings {
public:
    /// One field's list. An empty element makes it one that no client sends.
    void add(std::string_view list) noexcept {
        do {
            const std::string_view coding = take_element(list);
            const bool is_chunked = equal_ignoring_case(coding, "chunked");
            framed_ = is_chunked && !chunked_ && !malformed_;
            malformed_ = malformed_ || coding.empty() || (is_chunked && chunked_);
            chunked_ = chunked_ || is_chunked;
            others_ = others_ || !is_chunked;
        } while (!list.empty());
    }

    /// Whether the body's end can be told: chunked is the last coding, and once (section 6.3).
    bool frame() const noexcept { return framed_ && !malformed_; }

    /// Whether there are codings beside chunked.
    bool have_others() const noexcept { return others_; }

private:
    bool framed_ = false;
    bool chunked_ = false;
    bool others_ = false;
    bool malformed_ = false;
};

} // namespace tuyau::http

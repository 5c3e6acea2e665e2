#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// Where the body of a request comes from, piece by piece. The next piece is asked for when the one before has been sent,
/// so that a slow server holds the source back.
class body_source {
public:
    virtual ~body_source() = default;

    /// Bytes in all, where that is known: then it must give exactly so many. Else the body is sent in chunks.
    virtual std::optional<std::uint64_t> size() const noexcept { return std::nullopt; }

    /// The next bytes, which live until the next call; empty at the end. An error ends the request.
    virtual task<result<std::string_view>> read() = 0;

    /// Begins anew, for a redirect or a second attempt: true when it could.
    virtual task<result<bool>> rewind() { co_return false; }
};

/// The body of a request: none, bytes, or a source of bytes.
class request_body {
public:
    request_body() noexcept = default;
    request_body(std::string bytes) : from_(std::move(bytes)) {}
    request_body(const char* bytes) : from_(std::string(bytes)) {}
    template <std::derived_from<body_source> Source>
    request_body(std::shared_ptr<Source> source) : from_(std::shared_ptr<body_source>(std::move(source))) {}

    /// Bytes that are not copied: they outlive the response.
    static request_body borrowed(std::string_view bytes) {
        request_body body;
        body.from_ = bytes;
        return body;
    }

    bool is_there() const noexcept { return from_.index() != 0; }

    /// The source; null for bytes.
    body_source* source() const noexcept {
        const auto* source = std::get_if<std::shared_ptr<body_source>>(&from_);
        return source != nullptr ? source->get() : nullptr;
    }

    /// The bytes; none when it is a source.
    std::string_view bytes() const noexcept {
        if (const auto* own = std::get_if<std::string>(&from_)) return *own;
        if (const auto* view = std::get_if<std::string_view>(&from_)) return *view;
        return {};
    }

    /// Bytes in all, where that is known.
    std::optional<std::uint64_t> size() const noexcept {
        if (const body_source* from = source()) return from->size();
        return bytes().size();
    }

private:
    std::variant<std::monostate, std::string, std::string_view, std::shared_ptr<body_source>> from_;
};

} // namespace tuyau::http

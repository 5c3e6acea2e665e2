#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/request.hpp>

namespace tuyau::http {

/// A response whose bytes but for its date never change. The whole of it, head and body in one piece, is made once a
/// second, and shared by all who send it meanwhile. For one loop.
class prepared_response {
public:
    /// `fields` are complete lines, each with its CR LF.
    prepared_response(int status, std::string_view content_type, std::string_view body, std::string_view fields = {});

    struct rendered {
        std::string bytes;
        std::size_t head_size;
    };

    /// The bytes for now, as HTTP/1.1 with the connection kept.
    const std::shared_ptr<const rendered>& at(date_clock& date);

private:
    std::string before_date_;
    std::string after_date_;
    std::string_view body_;
    unsigned long generation_ = 0;
    std::shared_ptr<const rendered> rendered_;

    friend class response_batch;
};

/// The responses to all requests that one received buffer held, in order, to be sent as one.
class response_batch {
public:
    bool empty() const noexcept { return pieces_.empty(); }

    /// Appends the response to `asked`. `last`: it says that the connection closes after it. The body is left out for a
    /// HEAD, and must not be destroyed before the batch is cleared.
    void add(const request& asked, bool last, prepared_response& response, date_clock& date);

    /// Appends a response that is made for this one time: its body is copied.
    void add(const request& asked, bool last, int status, std::string_view content_type, std::string_view fields,
             std::string_view body, date_clock& date);

    /// Appends an interim response (RFC 9110, section 15.2).
    void add_interim(int status);

    /// The pieces in order, for a send: once, and nothing is added after it before the batch is cleared.
    std::span<iovec> pieces() noexcept;

    /// Forgets the responses, and keeps the memory for the next.
    void clear() noexcept;

private:
    void add_text(std::size_t from);
    void add_lasting(const char* data, std::size_t size) { pieces_.push_back({const_cast<char*>(data), size}); }

    std::string text_;
    std::vector<iovec> pieces_; // null: the next of so many bytes in text_
    std::vector<std::shared_ptr<const prepared_response::rendered>> shared_;
};

} // namespace tuyau::http

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/request_head.hpp>
#include <tuyau/runtime/file.hpp>

namespace tuyau::http {

/// A response whose bytes but for its date never change. The whole of it, head and body in one piece, is made once a
/// second, and shared by all who send it meanwhile; a small one several times in a row. For one loop.
class prepared_response {
public:
    /// `fields` are complete lines, each with its CR LF. `body` must live as long as `owner`, or without one as this and
    /// all responses that were made of it.
    prepared_response(int status, std::string_view content_type, std::string_view body, std::string_view fields = {},
                      std::shared_ptr<const void> owner = {});

    /// The same with all of a file's `size` bytes for a body.
    prepared_response(int status, std::string_view content_type, std::shared_ptr<const file> body, std::size_t size,
                      std::string_view fields = {});

    struct rendered {
        std::string bytes;     // the response, `copies` times in a row: one piece answers several requests
        std::size_t size;      // of one
        std::size_t head_size; // of one, without its body; all there is if the body is large
        std::size_t copies;
    };

    /// The bytes for now, as HTTP/1.1 with the connection kept.
    const std::shared_ptr<const rendered>& at(date_clock& date);

    int status() const noexcept { return status_; }
    std::size_t body_size() const noexcept { return file_ != nullptr ? file_size_ : body_.size(); }

    /// Bytes that it comes to hold, without its body.
    std::size_t memory() const noexcept;

private:
    bool is_large() const noexcept;

    int status_;
    std::string before_date_;
    std::string after_date_;
    std::string_view body_;
    std::shared_ptr<const void> owner_; // of the body
    std::shared_ptr<const file> file_;  // the body, in place of body_
    std::size_t file_size_ = 0;
    unsigned long generation_ = 0;
    std::shared_ptr<const rendered> rendered_;

    friend class response_batch;
};

/// How the end of a body is told (RFC 9112, section 6).
enum class body_framing : unsigned char { none, sized, chunked, until_close };

/// The responses to all requests that one received buffer held, in order, to be sent as one.
class response_batch {
public:
    bool empty() const noexcept { return pieces_.empty() && files_.empty(); }

    /// Bytes that are sent at once: a client has the whole of its time to take these.
    static constexpr std::size_t most_at_once = 256 * 1024;

    /// Whether it takes more than one send: it is of more bytes, or has files in it.
    bool is_long() const noexcept {
        std::size_t size = 0;
        for (const iovec& each : pieces_) size += each.iov_len;
        return size > most_at_once || !files_.empty();
    }

    /// Bytes that were made, or copied, for what it holds.
    std::size_t copied() const noexcept { return text_.size(); }

    /// Bytes that it keeps for what it makes next.
    std::size_t memory() const noexcept { return text_.capacity(); }

    /// Appends the response to `asked`. `last`: it says that the connection closes after it. The body is left out for a
    /// HEAD. `response` may be gone before the batch is.
    void add(const request_head& asked, bool last, prepared_response& response, date_clock& date);

    /// Appends a response that is made for this one time: its body is copied.
    void add(const request_head& asked, bool last, int status, std::string_view content_type, std::string_view fields,
             std::string_view body, date_clock& date);

    /// Appends the head of a response whose body follows, of `size` bytes if it is `sized`.
    void add_head(const request_head& asked, bool last, int status, std::string_view fields, body_framing framing,
                  std::uint64_t size, date_clock& date);

    /// Appends bytes of a body. `piece` is not empty, and must live until the batch is cleared.
    void add_piece(std::string_view piece, body_framing framing);

    /// Appends bytes of a body that are those of a file, which has them. `sent`, if there is one, grows by what is sent of
    /// them. Both must live until the batch is cleared.
    void add_file(const file& from, std::uint64_t position, std::uint64_t size, body_framing framing,
                  std::uint64_t* sent = nullptr);

    /// Appends the end of a chunked body, with the trailers.
    void add_last_chunk();

    /// Appends an interim response (RFC 9110, section 15.2).
    void add_interim(int status, std::string_view fields = {});

    /// Fields of a response that is not here yet: lines, each with its CR LF.
    std::string& draft() noexcept { return draft_; }

    /// The same of those behind a chunked body.
    std::string& trailers() noexcept { return trailers_; }

    /// A place between two responses, until the next `clear`.
    struct place {
        std::size_t text = 0;
        std::size_t pieces = 0;
        std::size_t files = 0;
        std::size_t last_size = 0;
        std::size_t copies_left = 0;
    };
    place mark() const noexcept {
        return {text_.size(), pieces_.size(), files_.size(), pieces_.empty() ? 0 : pieces_.back().iov_len,
                copies_left_};
    }

    /// Takes back what was added since then.
    void forget_since(const place& mark) noexcept;

    /// Has the one response since then, made for this one time, say that it is the last.
    void say_last(const place& mark);

    /// The pieces in order, for a send: once, and nothing is added after it before the batch is cleared.
    std::span<iovec> pieces() noexcept;

    /// Bytes of a file, which stand before the piece of that number.
    struct file_part {
        const file* from;
        std::uint64_t position;
        std::uint64_t size;
        std::size_t place;
        std::uint64_t* sent;
    };
    std::span<const file_part> files() const noexcept { return files_; }

    /// Takes the responses of `other`, but no draft, in place of its own. Each keeps the other's memory for the next.
    void take_over(response_batch& other) noexcept;

    /// Forgets the responses, but no draft, and keeps the memory for the next.
    void clear() noexcept;

private:
    void begin_head(int status, date_clock& date);
    void add_text(std::size_t from);
    void begin_chunk(std::uint64_t size, body_framing framing);
    void end_chunk(body_framing framing);
    void add_body_of(const prepared_response& response);
    void add_lasting(const char* data, std::size_t size) { pieces_.push_back({const_cast<char*>(data), size}); }

    std::string text_;
    std::string draft_;
    std::string trailers_;
    std::vector<iovec> pieces_; // null: the next of so many bytes in text_
    std::vector<file_part> files_;
    std::vector<std::shared_ptr<const void>> shared_; // what pieces and files name
    std::size_t copies_left_ = 0;                     // in a row behind the last piece
};

} // namespace tuyau::http

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace load {

/// Reads the answers of one connection, however they are cut, and checks each: an HTTP response must have status 200 and
/// as many bytes of body as it announces, an echo must be the bytes that were sent.
class answer_reader {
public:
    static constexpr int wrong = -1;

    /// `echo`: what comes back; empty for HTTP. It must outlive the reader.
    explicit answer_reader(std::string_view echo) noexcept : echo_(echo) {}

    /// How many answers these bytes complete, or `wrong`.
    int read(std::string_view bytes);

    /// Forgets what it has, for a new connection.
    void reset();

private:
    bool read_head(std::string_view& bytes);
    int read_echo(std::string_view bytes);

    std::string_view echo_;
    std::size_t echoed_ = 0;
    std::string head_; // its beginning, while the rest is missing
    std::uint64_t body_left_ = 0;
    bool in_body_ = false;
};

} // namespace load

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace tuyau::http {

/// How much may come out of what was compressed. Zero is no bound, as there is none to a body that is not: what is read in
/// pieces takes the memory of a piece, and `client_response::read_all` has a bound of its own. For who keeps all pieces, on
/// a disk for instance, whoever sent them.
struct decoding_limits {
    std::uint64_t size = 0; ///< bytes in all

    /// Bytes for each that came, once 16 MiB have come out. gzip gives 1032 at most, br and zstd give many more for a body
    /// that is all the same.
    std::uint64_t ratio = 0;
};

namespace detail {

/// One decompression, step by step.
class decompressor {
public:
    virtual ~decompressor() = default;

    /// Turns bytes from the front of `input` into bytes at `space`; how many, or what is wrong. None, with input left, is
    /// that the data has ended.
    virtual tl::expected<std::size_t, std::string> step(std::string_view& input, char* space, std::size_t size) = 0;

    /// Whether the data came to its end.
    virtual bool ended() const noexcept = 0;
};

/// By the name of the coding (RFC 9110, section 8.4.1; zstd: RFC 8878); null for one that is not known.
std::unique_ptr<decompressor> make_decompressor(std::string_view coding);

/// The body of a response without its content codings, piece by piece.
class content_decoder {
public:
    explicit content_decoder(const decoding_limits& limits) noexcept : limits_(limits) {}

    /// By a field Content-Encoding; false when it names one that is not known.
    bool add(std::string_view codings);

    /// Whether there is anything to decode.
    bool is_needed() const noexcept { return !layers_.empty(); }

    /// Takes what came next; not before `next` has given nothing for what came before.
    void feed(std::string_view encoded) noexcept;

    /// The next decoded bytes, valid until the next call; none when more is needed. An error tells what is wrong.
    tl::expected<std::string_view, std::string> next();

    /// All has come: what is wrong with that, or nothing.
    std::string finish() const;

private:
    struct layer {
        std::unique_ptr<decompressor> decompress;
        std::unique_ptr<char[]> space;
        std::string_view input;
    };

    tl::expected<std::string_view, std::string> next_of(std::size_t index);

    decoding_limits limits_;
    std::vector<layer> layers_; // the outermost coding first: the one that was applied last
    std::uint64_t taken_ = 0;
    std::uint64_t given_ = 0;
};

} // namespace detail

} // namespace tuyau::http

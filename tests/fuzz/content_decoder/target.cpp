// Compressed bodies: whatever a server sends, however it is cut, gives the same bytes or is an error, within its bounds.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <tuyau/net/http/client/content_decoder.hpp>

#include "../support/pieces.hpp"
#include "../support/promise.hpp"

using tuyau::http::decoding_limits;
using tuyau::http::detail::content_decoder;
using fuzz::require;

namespace {

constexpr std::array<std::string_view, 8> codings = {"gzip",     "deflate",  "br",         "zstd",
                                                     "gzip, br", "zstd,BR,", "br, x-gzip", "deflate, identity, zstd"};

constexpr std::uint64_t most = std::uint64_t{1} << 20;
constexpr std::uint64_t ratio = 50;
constexpr std::uint64_t ratio_counts_from = std::uint64_t{16} << 20;

// The largest windows are 16 MiB of brotli's (RFC 7932, section 9.1) and 8 MiB of zstd's (RFC 9659), once for each layer,
// beside the libraries' tables and a buffer that is as large again.
constexpr std::size_t most_memory = std::size_t{96} << 20;

struct reading {
    std::string body;
    std::string error;
};

class decoding {
public:
    decoding(std::string_view names, const decoding_limits& limits)
        : limits_(limits), heap_before_(fuzz::heap_in_use()), decoder_(limits) {
        require(decoder_.add(names), "the coding is known");
        require(decoder_.is_needed(), "there is something to decode");
    }

    reading read(std::string_view bytes, std::string_view sizes) {
        fuzz::cut(bytes, sizes, [this](std::string_view piece) {
            taken_ += piece.size();
            decoder_.feed(piece);
            take_all();
            return so_far_.error.empty();
        });
        if (so_far_.error.empty()) so_far_.error = decoder_.finish();
        if (bytes.empty()) require(so_far_.error.empty(), "no body at all is an empty one");
        return std::move(so_far_);
    }

private:
    void take_all() {
        for (;;) {
            const auto piece = decoder_.next();
            require(fuzz::heap_in_use() - heap_before_ <= most_memory + so_far_.body.capacity(), "memory is bounded");
            if (!piece) {
                so_far_.error = piece.error();
                require(!so_far_.error.empty(), "what is wrong is told");
                return;
            }
            if (piece->empty()) return;
            given_ += piece->size();
            require(limits_.size == 0 || given_ <= limits_.size, "no more comes out than the limit on sizes");
            require(limits_.ratio == 0 || given_ <= std::max(ratio_counts_from, (taken_ + 1) * limits_.ratio),
                    "no more comes out than the limit on ratios");
            if (limits_.size != 0) so_far_.body += *piece;
        }
    }

    decoding_limits limits_;
    std::size_t heap_before_;
    content_decoder decoder_;
    std::uint64_t taken_ = 0;
    std::uint64_t given_ = 0;
    reading so_far_;
};

} // namespace

// The settings: bits 0 to 2 choose the codings, bit 3 the limit: of the ratio, where it is set.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::stream_input input(data, size);
    const std::string_view names = codings[input.settings & 7];
    if ((input.settings & 8) != 0) {
        decoding(names, {0, ratio}).read(input.bytes, input.sizes);
        return 0;
    }
    const decoding_limits limits{most, 0};
    const reading whole = decoding(names, limits).read(input.bytes, fuzz::in_one_piece);
    const auto read_again = [&](std::string_view sizes) {
        const reading again = decoding(names, limits).read(input.bytes, sizes);
        require(again.error.empty() == whole.error.empty(), "in pieces it is as good, or as bad");
        if (whole.error.empty()) return fuzz::require_same(again.body, whole.body, "in pieces it is the same");
        // What came just before the fault is told in one reading, and not in the other.
        const auto common = std::min(again.body.size(), whole.body.size());
        require(again.body.compare(0, common, whole.body, 0, common) == 0, "up to a fault it is the same");
    };
    constexpr std::size_t not_too_slow = 4096;
    if (input.bytes.size() <= not_too_slow) read_again(fuzz::byte_by_byte);
    if (!input.sizes.empty()) read_again(input.sizes);
    return 0;
}

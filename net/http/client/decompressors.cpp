#include <tuyau/net/http/client/content_decoder.hpp>

#include <cstdint>
#include <new>

#include <brotli/decode.h>
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http::detail {
namespace {

using outcome = tl::expected<std::size_t, std::string>;

/// gzip, one member or several (RFC 1952), and deflate, which is meant to be zlib's format (RFC 1950) and is bare (RFC 1951)
/// from some servers.
class zlib_decompressor final : public decompressor {
public:
    enum class format { gzip, deflate };

    explicit zlib_decompressor(format what) : format_(what) {}
    ~zlib_decompressor() override {
        if (begun_) ::inflateEnd(&stream_);
    }

    outcome step(std::string_view& input, char* space, std::size_t size) override {
        if (ended_ && (input.empty() || format_ == format::deflate)) return 0;
        if (!begun_) {
            if (input.empty()) return 0;
            begin(input.front());
        } else if (ended_) {
            ::inflateReset(&stream_); // another member
            ended_ = false;
        }
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(space);
        stream_.avail_out = static_cast<uInt>(size);
        const int code = ::inflate(&stream_, Z_NO_FLUSH);
        input.remove_prefix(input.size() - stream_.avail_in);
        ended_ = code == Z_STREAM_END;
        if (code == Z_MEM_ERROR) throw std::bad_alloc();
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return tl::unexpected(fmt::format("this is no {}: {}", format_ == format::gzip ? "gzip" : "deflate",
                                              stream_.msg != nullptr ? stream_.msg : "it is corrupt"));
        return size - stream_.avail_out;
    }

    bool ended() const noexcept override { return ended_; }

private:
    void begin(char first) {
        constexpr int largest_window = 15;
        constexpr int with_gzip = 16; // zlib.h: added to the window
        const bool has_zlib_head = (first & 0x0f) == Z_DEFLATED && (static_cast<unsigned char>(first) >> 4) <= 7;
        int window = largest_window + with_gzip;
        if (format_ == format::deflate) window = has_zlib_head ? largest_window : -largest_window;
        if (::inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc();
        begun_ = true;
    }

    format format_;
    z_stream stream_{};
    bool begun_ = false;
    bool ended_ = false;
};

class brotli_decompressor final : public decompressor {
public:
    brotli_decompressor() : state_(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (state_ == nullptr) throw std::bad_alloc();
    }
    brotli_decompressor(const brotli_decompressor&) = delete;
    brotli_decompressor& operator=(const brotli_decompressor&) = delete;
    ~brotli_decompressor() override { ::BrotliDecoderDestroyInstance(state_); }

    outcome step(std::string_view& input, char* space, std::size_t size) override {
        if (ended()) return 0;
        std::size_t input_left = input.size();
        auto* next_in = reinterpret_cast<const std::uint8_t*>(input.data());
        std::size_t space_left = size;
        auto* next_out = reinterpret_cast<std::uint8_t*>(space);
        const auto code =
            ::BrotliDecoderDecompressStream(state_, &input_left, &next_in, &space_left, &next_out, nullptr);
        input.remove_prefix(input.size() - input_left);
        if (code == BROTLI_DECODER_RESULT_ERROR)
            return tl::unexpected(
                fmt::format("this is no brotli: {}", ::BrotliDecoderErrorString(::BrotliDecoderGetErrorCode(state_))));
        return size - space_left;
    }

    bool ended() const noexcept override { return ::BrotliDecoderIsFinished(state_) == BROTLI_TRUE; }

private:
    BrotliDecoderState* state_;
};

/// One frame or several (RFC 8878).
///
/// The head of each is given byte by byte: a frame that is there whole is read in another way by the library, with no bound on
/// its window, or by the rules of an older format, and whether a body is good must not depend on how it was cut.
class zstd_decompressor final : public decompressor {
public:
    zstd_decompressor() : stream_(::ZSTD_createDStream()) {
        if (stream_ == nullptr) throw std::bad_alloc();
        constexpr int largest_window = 23; // RFC 9659: 8 MiB
        ::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest_window);
    }
    zstd_decompressor(const zstd_decompressor&) = delete;
    zstd_decompressor& operator=(const zstd_decompressor&) = delete;
    ~zstd_decompressor() override { ::ZSTD_freeDStream(stream_); }

    outcome step(std::string_view& input, char* space, std::size_t size) override {
        if (input.empty() && !has_more_) return 0; // an error, when it is asked in vain again and again
        const bool singly = !input.empty() && frame_size_ < first_bytes;
        ZSTD_inBuffer in{input.data(), singly ? 1 : input.size(), 0};
        ZSTD_outBuffer out{space, size, 0};
        const std::size_t code = ::ZSTD_decompressStream(stream_, &out, &in);
        if (::ZSTD_isError(code) != 0)
            return tl::unexpected(fmt::format("this is no zstd: {}", ::ZSTD_getErrorName(code)));
        input.remove_prefix(in.pos);
        ended_ = code == 0;
        has_more_ = !ended_ && out.pos == out.size;
        if (singly) ++frame_size_;
        if (ended_) frame_size_ = 0;
        return out.pos;
    }

    bool ended() const noexcept override { return ended_; }

private:
    static constexpr int first_bytes = 4 + 14; // RFC 8878, section 3.1.1: the magic number and the longest header

    ZSTD_DStream* stream_;
    int frame_size_ = 0; // of what was read of the frame, up to `first_bytes`
    bool has_more_ = false;
    bool ended_ = false;
};

} // namespace

std::unique_ptr<decompressor> make_decompressor(std::string_view coding) {
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip"))
        return std::make_unique<zlib_decompressor>(zlib_decompressor::format::gzip);
    if (equal_ignoring_case(coding, "deflate"))
        return std::make_unique<zlib_decompressor>(zlib_decompressor::format::deflate);
    if (equal_ignoring_case(coding, "br")) return std::make_unique<brotli_decompressor>();
    if (equal_ignoring_case(coding, "zstd")) return std::make_unique<zstd_decompressor>();
    return nullptr;
}

} // namespace tuyau::http::detail

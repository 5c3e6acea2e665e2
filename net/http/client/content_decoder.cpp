#include <tuyau/net/http/client/content_decoder.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http::detail {
namespace {

constexpr std::size_t space_size = 65536;
constexpr std::size_t most_layers = 4;
constexpr std::uint64_t ratio_counts_from = 16 << 20;

} // namespace

bool content_decoder::add(std::string_view codings) {
    while (!codings.empty()) {
        const std::size_t comma = codings.rfind(',');
        const auto coding = trim(codings.substr(comma == std::string_view::npos ? 0 : comma + 1));
        codings = codings.substr(0, comma == std::string_view::npos ? 0 : comma);
        if (coding.empty() || equal_ignoring_case(coding, "identity")) continue;
        auto made = make_decompressor(coding);
        if (!made || layers_.size() == most_layers) return false;
        layers_.push_back({std::move(made), std::make_unique_for_overwrite<char[]>(space_size), {}});
    }
    return true;
}

void content_decoder::feed(std::string_view encoded) noexcept {
    taken_ += encoded.size();
    layers_.front().input = encoded;
}

tl::expected<std::string_view, std::string> content_decoder::next() {
    auto piece = next_of(layers_.size() - 1);
    if (!piece) return piece;
    given_ += piece->size();
    if (limits_.size != 0 && given_ > limits_.size)
        return tl::unexpected(fmt::format("more than {} bytes come out of it", limits_.size));
    if (limits_.ratio != 0 && given_ > ratio_counts_from && given_ / limits_.ratio > taken_)
        return tl::unexpected(
            fmt::format("{} bytes come out of {}: more than {} for each", given_, taken_, limits_.ratio));
    return piece;
}

tl::expected<std::string_view, std::string> content_decoder::next_of(std::size_t index) {
    layer& here = layers_[index];
    for (;;) {
        const std::size_t before = here.input.size();
        auto size = here.decompress->step(here.input, here.space.get(), space_size);
        if (!size) return tl::unexpected(std::move(size.error()));
        if (*size != 0) return std::string_view(here.space.get(), *size);
        if (!here.input.empty()) {
            if (here.input.size() < before) continue;
            return tl::unexpected(std::string("bytes follow the end of what was compressed"));
        }
        if (index == 0) return std::string_view();
        auto more = next_of(index - 1);
        if (!more) return more;
        if (more->empty()) return std::string_view();
        here.input = *more;
    }
}

std::string content_decoder::finish() const {
    if (taken_ == 0) return {}; // no body at all, which servers announce so as well
    const auto has_ended = [](const layer& each) { return each.decompress->ended(); };
    if (std::all_of(layers_.begin(), layers_.end(), has_ended)) return {};
    return "what was compressed ends too soon";
}

} // namespace tuyau::http::detail

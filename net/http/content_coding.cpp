#include <tuyau/net/http/content_coding.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

constexpr std::array<std::string_view, 4> names{"identity", "gzip", "br", "zstd"};

/// In thousandths; nothing if it is malformed: RFC 9110, section 12.4.2, has three digits at most.
std::optional<unsigned> read_weight(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    unsigned weight = text[0] == '1' ? 1000 : 0;
    unsigned unit = 100;
    for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (digit < '0' || digit > '9') return std::nullopt;
        weight += unit * static_cast<unsigned>(digit - '0');
        unit /= 10;
    }
    return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

/// How much the client wants each coding.
class wishes {
public:
    explicit wishes(const request_head& asked) noexcept {
        for (const field& each : asked.fields)
            if (equal_ignoring_case(each.name, "accept-encoding")) read(each.value);
    }

    /// Without a word about it nothing but `identity` is wanted: who can decompress says so.
    unsigned weight_of(content_coding coding) const noexcept {
        const auto& named = named_[static_cast<std::size_t>(coding)];
        if (named) return *named;
        if (any_other_) return *any_other_;
        return coding == content_coding::identity ? least : 0;
    }

private:
    static constexpr unsigned least = 1;

    void read(std::string_view list) noexcept {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            read_one(trim(list.substr(0, comma)));
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }

    void read_one(std::string_view text) noexcept {
        const std::size_t end = std::min(text.find(';'), text.size());
        std::string_view name = trim(text.substr(0, end));
        unsigned weight = 1000;
        if (end != text.size()) {
            const std::string_view parameter = trim(text.substr(end + 1));
            if (parameter.size() < 2 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') return;
            const auto given = read_weight(parameter.substr(2));
            if (!given) return;
            weight = *given;
        }
        if (name == "*") any_other_ = weight;
        if (equal_ignoring_case(name, "x-gzip")) name = "gzip"; // RFC 9110, section 8.4.1.3
        for (std::size_t index = 0; index < names.size(); ++index)
            if (equal_ignoring_case(name, names[index])) named_[index] = weight;
    }

    std::array<std::optional<unsigned>, names.size()> named_{};
    std::optional<unsigned> any_other_;
};

} // namespace

std::string_view name_of(content_coding coding) noexcept {
    return coding == content_coding::identity ? std::string_view() : names[static_cast<std::size_t>(coding)];
}

content_coding choose_coding(const request_head& asked, std::span<const content_coding> available) noexcept {
    const wishes of_client(asked);
    content_coding best = content_coding::identity;
    unsigned weight = 0;
    for (const content_coding each : available) {
        if (of_client.weight_of(each) <= weight) continue;
        best = each;
        weight = of_client.weight_of(each);
    }
    return of_client.weight_of(content_coding::identity) > weight ? content_coding::identity : best;
}

} // namespace tuyau::http

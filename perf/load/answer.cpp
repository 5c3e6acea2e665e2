#include "answer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <strings.h>

namespace load {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t most_head = 16 * 1024;

/// The Content-Length of a complete head with status 200; none if it is not such a one.
std::optional<std::uint64_t> length_of(std::string_view head) {
    if (!head.starts_with("HTTP/1.1 200")) return std::nullopt;
    constexpr std::string_view name = "\r\nContent-Length:";
    for (std::size_t at = head.find("\r\n"); at + name.size() < head.size(); at = head.find("\r\n", at + 2)) {
        if (strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
        const char* digits = head.data() + at + name.size();
        while (*digits == ' ') ++digits;
        std::uint64_t length = 0;
        const auto [end, error] = std::from_chars(digits, head.data() + head.size(), length);
        if (error == std::errc() && *end == '\r') return length;
        return std::nullopt;
    }
    return std::nullopt;
}

} // namespace

int answer_reader::read(std::string_view bytes) {
    if (!echo_.empty()) return read_echo(bytes);
    int complete = 0;
    while (!bytes.empty()) {
        if (!in_body_ && !read_head(bytes)) return wrong;
        if (!in_body_) break;
        const std::uint64_t size = std::min<std::uint64_t>(bytes.size(), body_left_);
        bytes.remove_prefix(size);
        body_left_ -= size;
        if (body_left_ > 0) break;
        in_body_ = false;
        ++complete;
    }
    return complete;
}

/// False if it is wrong; `in_body_` is set once it is complete.
bool answer_reader::read_head(std::string_view& bytes) {
    std::string_view head = bytes;
    if (!head_.empty()) head = head_.append(bytes);
    const std::size_t end = head.find(head_end);
    if (end == std::string_view::npos) {
        if (head_.empty()) head_ = bytes;
        bytes = {};
        return head_.size() < most_head;
    }
    const std::size_t before = head_.empty() ? 0 : head_.size() - bytes.size();
    head = head.substr(0, end + head_end.size());
    const auto length = length_of(head);
    bytes.remove_prefix(head.size() - before);
    head_.clear();
    body_left_ = length.value_or(0);
    in_body_ = length.has_value();
    return in_body_;
}

int answer_reader::read_echo(std::string_view bytes) {
    int complete = 0;
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), echo_.size() - echoed_);
        if (bytes.substr(0, size) != echo_.substr(echoed_, size)) return wrong;
        bytes.remove_prefix(size);
        echoed_ += size;
        if (echoed_ < echo_.size()) break;
        echoed_ = 0;
        ++complete;
    }
    return complete;
}

void answer_reader::reset() {
    echoed_ = 0;
    head_.clear();
    body_left_ = 0;
    in_body_ = false;
}

} // namespace load

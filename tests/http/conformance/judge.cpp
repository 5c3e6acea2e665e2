#include "judge.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

namespace conformance {
namespace {

/// A response that is not one.
struct malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct answer {
    int status = 0;
    std::string_view head; ///< the lines behind the first, each with its end
    std::string_view body;

    /// The value of the one field of that name; nothing if there is none.
    std::optional<std::string_view> value_of(std::string_view name) const {
        std::optional<std::string_view> found;
        for (std::string_view rest = head; !rest.empty();) {
            const std::size_t end = rest.find("\r\n");
            const std::string_view line = rest.substr(0, end);
            rest.remove_prefix(end + 2);
            if (line.find_first_of("\r\n") != std::string_view::npos) throw malformed("a line is broken by CR or LF");
            const std::size_t colon = line.find(": ");
            if (colon == std::string_view::npos) throw malformed(fmt::format("'{}' is no field", line));
            if (line.substr(0, colon) != name) continue;
            if (found) throw malformed(fmt::format("there are two fields {}", name));
            found = line.substr(colon + 2);
        }
        return found;
    }
};

/// Takes the next response from the front.
answer take_answer(std::string_view& rest, bool has_body) {
    const std::size_t head_end = rest.find("\r\n\r\n");
    const std::size_t line_end = rest.find("\r\n");
    if (head_end == std::string_view::npos) throw malformed(fmt::format("'{}' is no whole head", rest.substr(0, 80)));
    const std::string_view line = rest.substr(0, line_end);
    answer got;
    if (line.size() < 14 || !line.starts_with("HTTP/1.1 ") || line[12] != ' ')
        throw malformed(fmt::format("'{}' is no status line", line));
    std::from_chars(line.data() + 9, line.data() + 12, got.status);
    got.head = rest.substr(line_end + 2, head_end - line_end);
    rest.remove_prefix(head_end + 4);
    if (got.status < 200) return got;
    const std::string_view length = got.value_of("Content-Length").value_or("");
    std::size_t size = 0;
    if (length.empty() || std::from_chars(length.data(), length.data() + length.size(), size).ec != std::errc())
        throw malformed("an answer has no length");
    if (!got.value_of("Date")) throw malformed("an answer has no date");
    if (!has_body) return got;
    if (size > rest.size()) throw malformed("a body is cut short");
    got.body = rest.substr(0, size);
    rest.remove_prefix(size);
    return got;
}

void expect(bool holds, const std::string& what) {
    if (!holds) throw malformed(what);
}

void check(const answer& got, const expected_answer& wanted, bool closes) {
    expect(got.status == wanted.status,
           fmt::format("the status is {}, not {}{}{}: {}", got.status, wanted.status,
                       wanted.cause.empty() ? "" : " for ", wanted.cause, got.value_of("Seen").value_or(got.body)));
    const auto seen = got.value_of("Seen");
    if (wanted.cause.empty())
        expect(seen == wanted.seen, fmt::format("the handler saw '{}', not '{}'", seen.value_or(""), wanted.seen));
    else
        expect(!seen && (!wanted.has_body || got.body.starts_with("<!doctype html>")),
               "a refusal is a page of its own");
    const std::string_view kept = wanted.seen.find(" HTTP/1.0") != std::string::npos ? "keep-alive" : "";
    const auto connection = got.value_of("Connection").value_or("");
    expect(connection == (closes ? "close" : kept), fmt::format("an answer says 'Connection: {}'", connection));
}

} // namespace

std::string fault_in(const test_case& asked, std::string_view answers, const circumstances& how) {
    std::vector<expected_answer> wanted = asked.answers;
    const bool next_comes = how.next_followed && asked.end == ending::open;
    if (next_comes) wanted.push_back(next_answer);
    const bool closes = next_comes || asked.end == ending::closes;
    std::size_t continues = 0;
    try {
        for (const expected_answer& each : wanted) {
            answer got = take_answer(answers, each.has_body);
            for (; got.status == 100; ++continues) got = take_answer(answers, each.has_body);
            check(got, each, closes && &each == &wanted.back());
        }
    } catch (const malformed& trouble) {
        return trouble.what();
    }
    if (!answers.empty()) return fmt::format("after the last answer comes '{}'", answers.substr(0, 80));
    const std::size_t most = asked.parts.size() - 1;
    if (continues > most || (how.continues_are_awaited && continues != most))
        return fmt::format("a 100 came {} times, not {}", continues, most);
    return {};
}

} // namespace conformance

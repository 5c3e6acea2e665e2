#include "table.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace conformance {
namespace {

/// Reads one file, a line at a time.
class reader {
public:
    reader(const std::filesystem::path& file, std::vector<test_case>& into) : file_(file), into_(into) {}

    void read() {
        std::ifstream in(file_, std::ios::binary);
        std::string line;
        for (number_ = 1; std::getline(in, line); ++number_) {
            text_ = line;
            take_line();
        }
        if (!in.eof()) fail("cannot be read");
        finish();
    }

private:
    [[noreturn]] void fail(std::string_view what) const {
        throw std::runtime_error(fmt::format("{}:{}: {}", file_.string(), number_, what));
    }

    void take_line() {
        if (text_.empty() || text_.starts_with('#')) return;
        if (take("== ")) {
            finish();
            now_.emplace();
            now_->name = text_;
            now_->place = fmt::format("{}:{}", file_.filename().string(), number_);
            now_->parts.emplace_back();
        } else if (!now_) {
            fail("a case begins with '== ' and its name");
        } else if (text_.starts_with("RFC ")) {
            now_->sections = text_;
        } else if (text_ == ">" || take("> ")) {
            take_bytes();
        } else if (take("< ")) {
            take_answer();
        } else {
            fail("a line begins with '== ', 'RFC ', '> ', '< ' or '#'");
        }
    }

    bool take(std::string_view prefix) {
        if (!text_.starts_with(prefix)) return false;
        text_.remove_prefix(prefix.size());
        return true;
    }

    /// A line that is sent. It ends with CR LF, unless a backslash stands at its end.
    void take_bytes() {
        if (!now_->answers.empty() || now_->end != ending::open) fail("a case sends nothing after its answers");
        if (text_ == ">") text_ = {};
        const bool goes_on = text_.ends_with('\\') && !text_.ends_with("\\\\");
        if (goes_on) text_.remove_suffix(1);
        now_->parts.back() += unescaped(text_);
        if (!goes_on) now_->parts.back() += "\r\n";
    }

    std::string unescaped(std::string_view text) const {
        std::string bytes;
        while (!text.empty()) {
            const char c = text.front();
            text.remove_prefix(1);
            if (c == '\\')
                bytes += escape(text);
            else
                bytes += c;
        }
        return bytes;
    }

    /// What stands behind a backslash, which is taken.
    std::string escape(std::string_view& text) const {
        const char kind = text.empty() ? '\0' : text.front();
        if (!text.empty()) text.remove_prefix(1);
        switch (kind) {
        case 'r': return "\r";
        case 'n': return "\n";
        case 't': return "\t";
        case '0': return std::string(1, '\0');
        case '\\': return "\\";
        case 'x': {
            const std::size_t value = number_in(text.substr(0, 2), 16);
            text.remove_prefix(2);
            return std::string(1, static_cast<char>(value));
        }
        case '{': { // \{text*count}
            const std::size_t end = closing_brace(text);
            const std::size_t times = text.substr(0, end).rfind('*');
            if (end == std::string_view::npos || times == std::string_view::npos) fail("'\\{text*count}' is meant");
            const std::string once = unescaped(text.substr(0, times));
            std::string all;
            for (std::size_t left = number_in(text.substr(times + 1, end - times - 1), 10); left != 0; --left)
                all += once;
            text.remove_prefix(end + 1);
            return all;
        }
        default: fail("after a backslash comes one of r n t 0 \\ x {");
        }
    }

    static std::size_t closing_brace(std::string_view text) {
        std::size_t open = 1;
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (text[at] == '{') ++open;
            if (text[at] == '}' && --open == 0) return at;
        }
        return std::string_view::npos;
    }

    std::size_t number_in(std::string_view digits, int base) const {
        std::size_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (error != std::errc() || end != digits.data() + digits.size()) fail("a number is missing");
        return value;
    }

    void take_answer() {
        if (now_->end != ending::open) fail("an ending comes last");
        if (text_ == "100") {
            now_->parts.emplace_back();
        } else if (text_ == "closes") {
            now_->end = ending::closes;
        } else if (text_ == "waits") {
            now_->end = ending::waits;
        } else {
            const bool refused = take("refused ");
            if (text_.size() < 5 || text_[3] != ' ') fail("an answer is a status and what was seen, or the cause");
            expected_answer& added = now_->answers.emplace_back();
            added.status = static_cast<int>(number_in(text_.substr(0, 3), 10));
            text_.remove_prefix(4);
            if (refused) {
                constexpr std::string_view without = ", no body";
                added.has_body = !text_.ends_with(without);
                if (!added.has_body) text_.remove_suffix(without.size());
                added.cause = text_;
                now_->end = ending::closes; // always
            } else {
                added.has_body = !text_.starts_with("HEAD ");
                added.seen = text_;
            }
        }
    }

    void finish() {
        if (!now_) return;
        if (now_->sections.empty()) fail(fmt::format("the case '{}' names no section of an RFC", now_->name));
        if (now_->answers.empty() && now_->end == ending::open)
            fail(fmt::format("the case '{}' says nothing of what comes back", now_->name));
        into_.push_back(std::move(*now_));
        now_.reset();
    }

    const std::filesystem::path& file_;
    std::vector<test_case>& into_;
    std::size_t number_ = 0;
    std::string_view text_; // what is left of the line
    std::optional<test_case> now_;
};

} // namespace

const std::string_view next_request = "GET /next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n";
const expected_answer next_answer{200, "GET /next host=next", {}, true};

std::string test_case::bytes() const { return std::accumulate(parts.begin(), parts.end(), std::string()); }

std::vector<test_case> read_table(const std::string& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& each : std::filesystem::directory_iterator(folder))
        if (each.path().extension() == ".cases") files.push_back(each.path());
    std::sort(files.begin(), files.end());
    std::vector<test_case> all;
    for (const auto& each : files) reader(each, all).read();
    return all;
}

const std::vector<test_case>& table() {
    static const std::vector<test_case> all = read_table(TUYAU_CONFORMANCE_CASES);
    return all;
}

} // namespace conformance

#include "option_kinds.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

namespace uring_client {
namespace {

/// Checked by hand: CLI11 takes "nan" and "1e999" for numbers.
std::optional<double> seconds_of(const std::string& text) {
    constexpr double longest = 1e9;
    double seconds = -1;
    if (!CLI::detail::lexical_cast(text, seconds) || !(seconds >= 0 && seconds <= longest)) return std::nullopt;
    return seconds;
}

std::optional<std::uint64_t> size_of(std::string_view text) {
    constexpr std::string_view units = "KMGT";
    unsigned shift = 0;
    if (!text.empty()) {
        const char last = text.back() >= 'a' ? static_cast<char>(text.back() - 'a' + 'A') : text.back();
        if (const auto unit = units.find(last); unit != std::string_view::npos) {
            shift = 10 * (static_cast<unsigned>(unit) + 1);
            text.remove_suffix(1);
        }
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
    return number << shift;
}

template <class Value>
CLI::Option* add_one(CLI::App& app, const std::string& names, Value& value, const std::string& type,
                     const std::string& help) {
    return app.add_option(names, value, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)->type_name(type);
}

} // namespace

CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& value, const std::string& type,
                      const std::string& help) {
    return add_one(app, names, value, type, help);
}

CLI::Option* add_text(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                      const std::string& type, const std::string& help) {
    return add_one(app, names, value, type, help);
}

CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                      const std::string& type, const std::string& help) {
    return app.add_option(names, values, help)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name(type);
}

CLI::Option* add_time(CLI::App& app, const std::string& names, std::chrono::milliseconds& value,
                      const std::string& help) {
    const CLI::Validator is_time(
        [](std::string& text) {
            return seconds_of(text) ? std::string() : fmt::format("'{}' is not a number of seconds", text);
        },
        "");
    return app
        .add_option_function<std::string>(
            names,
            [&value](const std::string& text) {
                value = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(*seconds_of(text) * 1000)));
            },
            help)
        ->check(is_time)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name("SECONDS");
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& value, const std::string& help) {
    const CLI::Validator is_size(
        [](std::string& text) {
            return size_of(text) ? std::string()
                                 : fmt::format("'{}' is not a number of bytes, with or without K, M, G or T", text);
        },
        "");
    return app
        .add_option_function<std::string>(
            names, [&value](const std::string& text) { value = *size_of(text); }, help)
        ->check(is_size)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name("BYTES");
}

std::vector<std::pair<std::string, std::string>> in_order(const CLI::App& app,
                                                          std::initializer_list<const char*> names) {
    std::map<const CLI::Option*, std::size_t> taken;
    std::vector<std::pair<std::string, std::string>> all;
    for (const CLI::Option* each : app.parse_order()) {
        const auto name =
            std::find_if(names.begin(), names.end(), [&](const char* wanted) { return each->check_name(wanted); });
        if (name == names.end()) continue;
        const std::size_t index = taken[each]++;
        const auto& results = each->results();
        all.emplace_back(*name, index < results.size() ? results[index] : std::string());
    }
    return all;
}

} // namespace uring_client

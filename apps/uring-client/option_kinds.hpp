#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace uring_client {

/// Options of the kinds that curl has. Given several times, the last one counts.
CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& value, const std::string& type,
                      const std::string& help);
CLI::Option* add_text(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                      const std::string& type, const std::string& help);

/// Each one counts.
CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                      const std::string& type, const std::string& help);

/// Seconds, fractions allowed.
CLI::Option* add_time(CLI::App& app, const std::string& names, std::chrono::milliseconds& value,
                      const std::string& help);

/// Bytes, with K, M, G or T behind the number for the powers of 1024.
CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& value, const std::string& help);

/// A whole number from `least` to `most`.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& names, Number& value, Number least, Number most,
                        const std::string& help) {
    return app.add_option(names, value, help)
        ->check(CLI::Range(least, most).description(""))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name("NUMBER");
}

/// What options of these names were given, in the order of the command line.
std::vector<std::pair<std::string, std::string>> in_order(const CLI::App& app,
                                                          std::initializer_list<const char*> names);

/// Has all options that `add` makes told of under one headline of the help.
template <class Add>
void grouped(CLI::App& app, const std::string& headline, Add add) {
    app.option_defaults()->group(headline);
    add();
    app.option_defaults()->group("Options");
}

} // namespace uring_client

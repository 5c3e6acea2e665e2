#include "table.hpp"

#include <fstream>
#include <regex>
#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <support/temporary_folder.hpp>

#include <tuyau/net/http/refusal.hpp>

using conformance::test_case;

TEST_CASE("the table of conformance has at least 250 cases, no two alike, and each names a section of an RFC") {
    std::set<std::string> names;
    std::set<std::string> contents;
    const std::string one = R"(RFC [0-9]{4}, section [0-9]+(\.[0-9]+)*)";
    const std::regex sections(one + "(; " + one + ")*");
    for (const test_case& each : conformance::table()) {
        INFO(each.place << ": " << each.name);
        CHECK(names.insert(each.name).second);
        std::string content = each.parts.front();
        for (std::size_t i = 1; i < each.parts.size(); ++i) content += "|" + each.parts[i];
        if (each.end == conformance::ending::waits) content += " and waits";
        CHECK(contents.insert(content).second);
        CHECK(std::regex_match(each.sections, sections));
    }
    CHECK(names.size() >= 250);
}

TEST_CASE("the table of conformance has every cause of a refusal but those that are about time and number") {
    using tuyau::http::refusal_cause;
    std::set<std::string, std::less<>> causes;
    for (const test_case& each : conformance::table())
        for (const auto& answer : each.answers) causes.insert(answer.cause);
    for (std::size_t number = 1; number < tuyau::http::refusal_causes; ++number) {
        const auto cause = static_cast<refusal_cause>(number);
        const bool is_elsewhere = cause == refusal_cause::too_slow || cause == refusal_cause::too_many_connections;
        INFO(name_of(cause));
        CHECK((is_elsewhere || causes.contains(name_of(cause))));
    }
}

TEST_CASE("a table of conformance that cannot be read is told with its file and line") {
    const tests::temporary_folder folder;
    std::ofstream(folder / "a.cases") << "# a comment\n\n== a case\nRFC 9112, section 3\n> GET \\q\n";
    CHECK_THROWS_WITH(conformance::read_table(folder.path().string()),
                      Catch::Matchers::ContainsSubstring("a.cases:5: after a backslash"));
    std::ofstream(folder / "a.cases") << "== a case\n> GET\n< waits\n";
    CHECK_THROWS_WITH(conformance::read_table(folder.path().string()),
                      Catch::Matchers::ContainsSubstring("names no section"));
}

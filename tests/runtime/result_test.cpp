#include <tuyau/runtime/result.hpp>

#include <cerrno>
#include <memory>
#include <string>

#include <catch2/catch_test_macros.hpp>

using tuyau::failure;
using tuyau::result;

namespace {

result<int> half_of(int number) {
    if (number % 2 != 0) return failure(EDOM);
    return number / 2;
}

} // namespace

TEST_CASE("a result holds a value or the error code of an errno") {
    CHECK(half_of(8).value() == 4);
    auto odd = half_of(7);
    REQUIRE_FALSE(odd);
    CHECK(odd.error() == std::error_code(EDOM, std::system_category()));
    CHECK(odd.error() == std::errc::argument_out_of_domain);
}

TEST_CASE("the value of a failed result throws a system_error that says what went wrong") {
    try {
        (void)half_of(1).value();
        FAIL("nothing was thrown");
    } catch (const std::system_error& error) {
        CHECK(error.code().value() == EDOM);
        CHECK(std::string(error.what()) == std::error_code(EDOM, std::system_category()).message());
    }
    const result<int> constant = failure(EIO);
    CHECK_THROWS_AS(constant.value(), std::system_error);
    result<int> variable = failure(EIO);
    CHECK_THROWS_AS(variable.value(), std::system_error);
    const result<void> nothing = failure(EIO);
    CHECK_THROWS_AS(nothing.value(), std::system_error);
    CHECK_NOTHROW(result<void>().value());
}

TEST_CASE("a result gives up a move-only value and lends it in place") {
    result<std::unique_ptr<int>> owner = std::make_unique<int>(7);
    *owner.value() = 8;
    std::unique_ptr<int> taken = std::move(owner).value();
    CHECK(*taken == 8);
}

TEST_CASE("a failure is made of an errno, of a condition or of a code alike") {
    result<int> by_number = failure(ECANCELED);
    result<int> by_condition = failure(std::errc::operation_canceled);
    result<int> by_code = failure(by_condition.error());
    CHECK(tuyau::is_cancelled(by_number.error()));
    CHECK(tuyau::is_cancelled(by_condition.error()));
    CHECK(by_code.error() == by_condition.error());
    CHECK_FALSE(tuyau::is_cancelled(std::make_error_code(std::errc::timed_out)));
}

TEST_CASE("the type of a result is told from other types") {
    STATIC_REQUIRE(tuyau::is_result<result<int>>);
    STATIC_REQUIRE(tuyau::is_result<result<void>>);
    STATIC_REQUIRE_FALSE(tuyau::is_result<int>);
}

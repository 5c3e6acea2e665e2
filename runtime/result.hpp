#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace tuyau {

/// The error half of a result, from an errno value: `return failure(EINVAL);`
inline tl::unexpected<std::error_code> failure(int error_number) {
    return tl::unexpected(std::error_code(error_number, std::system_category()));
}

inline tl::unexpected<std::error_code> failure(std::error_code code) { return tl::unexpected(code); }

inline tl::unexpected<std::error_code> failure(std::errc code) { return failure(std::make_error_code(code)); }

/// A value or a `std::error_code`.
///
/// Two codes come from the runtime itself: `std::errc::operation_canceled` when the awaiting task was asked to stop,
/// and `std::errc::timed_out` when a deadline passed. `value()` of an error throws `std::system_error`, so that what()
/// says what went wrong.
template <class T>
class result : public tl::expected<T, std::error_code> {
    using base = tl::expected<T, std::error_code>;

public:
    using base::base;

    decltype(auto) value() & {
        check();
        if constexpr (!std::is_void_v<T>) return static_cast<base&>(*this).value();
    }
    decltype(auto) value() const& {
        check();
        if constexpr (!std::is_void_v<T>) return static_cast<const base&>(*this).value();
    }
    /// By value, so that what a temporary held outlives it, as in a loop over `(co_await resolve(name, 80)).value()`.
    T value() && {
        check();
        if constexpr (!std::is_void_v<T>) return static_cast<base&&>(*this).value();
    }

private:
    void check() const {
        if (!this->has_value()) throw std::system_error(this->error());
    }
};

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// True when `error` says that the awaiting task was asked to stop.
inline bool is_cancelled(const std::error_code& error) { return error == std::errc::operation_canceled; }

} // namespace tuyau

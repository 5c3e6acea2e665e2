#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tuyau/runtime/nested_chain.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// What a task of type `T` leaves in a tuple or a vector of outcomes: `std::monostate` in place of void.
template <class T>
using outcome_of = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// What `when_any` gives: all have finished when it returns, so every outcome is there, the losers' too. A loser that was
/// stopped in time says `operation_canceled`; one that finished in the same moment has its value, which is not lost.
template <class... T>
struct first_of {
    std::size_t index;                     ///< of the task that finished first
    std::tuple<outcome_of<T>...> outcomes; ///< in the order of the tasks
};

/// The same for tasks of one type.
template <class T>
struct first_of_many {
    std::size_t index;
    std::vector<outcome_of<T>> outcomes;

    outcome_of<T>& first() noexcept { return outcomes[index]; }
};

namespace detail {

/// Whether an outcome is an error that is to stop the others.
template <class T>
bool is_error(const T& outcome) noexcept {
    if constexpr (is_result<T>)
        return !outcome.has_value();
    else
        return false;
}

/// What the others of several tasks are stopped by.
enum class others_stop { at_first_error, at_first_end };

/// Runs tasks side by side and waits for all of them.
class side_by_side {
public:
    /// In the chain of the coroutine that waits for them: a stop that came before them reaches them from the start.
    side_by_side(const await_chain* chain, others_stop when) noexcept : when_(when) {
        if (chain != nullptr && chain->stop_requested()) children_.stop();
    }

    template <class T>
    void start(task<T> work, std::optional<outcome_of<T>>& outcome, std::size_t index) {
        children_.spawn(keep(*this, std::move(work), outcome, index));
    }

    template <class... T, std::size_t... Index>
    void start(std::tuple<task<T>...>& work, std::tuple<std::optional<outcome_of<T>>...>& outcomes,
               std::index_sequence<Index...>) {
        (start<T>(std::move(std::get<Index>(work)), std::get<Index>(outcomes), Index), ...);
    }

    auto join() noexcept { return children_.join(); }

    /// After `join`: which task was the first to end. None when all were stopped and said so by a throw of
    /// `operation_canceled`, which is then thrown from here.
    std::size_t first() const {
        if (!first_) throw std::system_error(std::make_error_code(std::errc::operation_canceled));
        return *first_;
    }

private:
    template <class T>
    static task<> keep(side_by_side& owner, task<T> work, std::optional<outcome_of<T>>& outcome, std::size_t index) {
        if constexpr (is_result<T>) {
            try {
                outcome.emplace(co_await std::move(work));
            } catch (const std::system_error& error) { // as value() of a result throws it
                if (!is_cancelled(error.code())) throw;
                outcome.emplace(failure(error.code()));
            }
        } else if constexpr (std::is_void_v<T>) {
            co_await std::move(work);
            outcome.emplace();
        } else {
            outcome.emplace(co_await std::move(work));
        }
        owner.ended(index, is_error(*outcome));
    }

    void ended(std::size_t index, bool failed) noexcept {
        const bool is_first = !first_;
        if (is_first) first_ = index;
        if (when_ == others_stop::at_first_end ? is_first : failed) children_.stop();
    }

    others_stop when_;
    std::optional<std::size_t> first_;
    scope children_; // last: its children use all of the above
};

/// None is there when the task was stopped and said so by a throw of `operation_canceled`.
template <class T>
outcome_of<T> value_of_outcome(std::optional<outcome_of<T>>& outcome) {
    if constexpr (std::is_void_v<T>) return {};
    if (!outcome) throw std::system_error(std::make_error_code(std::errc::operation_canceled));
    return std::move(*outcome);
}

template <class T>
std::vector<outcome_of<T>> values_of(std::vector<std::optional<outcome_of<T>>>& outcomes) {
    std::vector<outcome_of<T>> values;
    values.reserve(outcomes.size());
    for (auto& each : outcomes) values.push_back(value_of_outcome<T>(each));
    return values;
}

template <class... T>
std::tuple<outcome_of<T>...> values_of(std::tuple<std::optional<outcome_of<T>>...>& outcomes) {
    const auto values = [](auto&... each) { return std::tuple<outcome_of<T>...>(value_of_outcome<T>(each)...); };
    return std::apply(values, outcomes);
}

} // namespace detail

/// Runs all of `work` side by side; their outcomes, in order, once all have finished.
///
/// The first that fails, by an exception or by an error in its result, stops the others, which are waited for; an
/// exception is then thrown from here. A stop of the awaiting task reaches all of them.
template <class... T>
task<std::tuple<outcome_of<T>...>> when_all(task<T>... work) {
    std::tuple<task<T>...> all(std::move(work)...);
    std::tuple<std::optional<outcome_of<T>>...> outcomes;
    detail::side_by_side branches(co_await this_chain(), detail::others_stop::at_first_error);
    branches.start<T...>(all, outcomes, std::index_sequence_for<T...>());
    co_await branches.join();
    co_return detail::values_of<T...>(outcomes);
}

/// The same for any number of tasks of one type, none included.
template <class T>
task<std::vector<outcome_of<T>>> when_all(std::vector<task<T>> work) {
    std::vector<std::optional<outcome_of<T>>> outcomes(work.size());
    detail::side_by_side branches(co_await this_chain(), detail::others_stop::at_first_error);
    for (std::size_t index = 0; index < work.size(); ++index)
        branches.start<T>(std::move(work[index]), outcomes[index], index);
    co_await branches.join();
    co_return detail::values_of<T>(outcomes);
}

/// Runs all of `work` side by side until the first has finished, however it ended; the others are then stopped and waited
/// for. An exception that left any of them is thrown from here. A stop of the awaiting task reaches all of them.
template <class... T>
    requires(sizeof...(T) > 0)
task<first_of<T...>> when_any(task<T>... work) {
    std::tuple<task<T>...> all(std::move(work)...);
    std::tuple<std::optional<outcome_of<T>>...> outcomes;
    detail::side_by_side branches(co_await this_chain(), detail::others_stop::at_first_end);
    branches.start<T...>(all, outcomes, std::index_sequence_for<T...>());
    co_await branches.join();
    co_return first_of<T...>{branches.first(), detail::values_of<T...>(outcomes)};
}

/// The same for tasks of one type; there must be at least one.
template <class T>
task<first_of_many<T>> when_any(std::vector<task<T>> work) {
    require(!work.empty(), "when_any was given no task, so that none can be the first to finish");
    std::vector<std::optional<outcome_of<T>>> outcomes(work.size());
    detail::side_by_side branches(co_await this_chain(), detail::others_stop::at_first_end);
    for (std::size_t index = 0; index < work.size(); ++index)
        branches.start<T>(std::move(work[index]), outcomes[index], index);
    co_await branches.join();
    co_return first_of_many<T>{branches.first(), detail::values_of<T>(outcomes)};
}

} // namespace tuyau

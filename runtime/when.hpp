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

/// Runs tasks side by side and waits for all of them. `first` is told each time that one has finished, before the next.
class side_by_side {
public:
    /// In the chain of the coroutine that waits for them: a stop that came before them reaches them from the start.
    explicit side_by_side(const await_chain* chain) noexcept {
        if (chain != nullptr && chain->stop_requested()) children_.stop();
    }

    template <class T, class Finished>
    void start(task<T> work, std::optional<outcome_of<T>>& outcome, Finished& finished, std::size_t index) {
        children_.spawn(keep(std::move(work), outcome, finished, index));
    }

    void stop() noexcept { children_.stop(); }
    auto join() noexcept { return children_.join(); }

private:
    template <class T, class Finished>
    static task<> keep(task<T> work, std::optional<outcome_of<T>>& outcome, Finished& finished, std::size_t index) {
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
        finished(index, is_error(*outcome));
    }

    scope children_;
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

template <class... T, std::size_t... Index, class Finished>
void start_all(side_by_side& branches, std::tuple<task<T>...>& work,
               std::tuple<std::optional<outcome_of<T>>...>& outcomes, Finished& finished,
               std::index_sequence<Index...>) {
    (branches.start(std::move(std::get<Index>(work)), std::get<Index>(outcomes), finished, Index), ...);
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
    detail::side_by_side branches(co_await this_chain());
    auto finished = [&](std::size_t, bool failed) {
        if (failed) branches.stop();
    };
    detail::start_all<T...>(branches, all, outcomes, finished, std::index_sequence_for<T...>());
    co_await branches.join();
    auto values = [](auto&... each) { return std::tuple<outcome_of<T>...>(detail::value_of_outcome<T>(each)...); };
    co_return std::apply(values, outcomes);
}

/// The same for any number of tasks of one type, none included.
template <class T>
task<std::vector<outcome_of<T>>> when_all(std::vector<task<T>> work) {
    std::vector<std::optional<outcome_of<T>>> outcomes(work.size());
    detail::side_by_side branches(co_await this_chain());
    auto finished = [&](std::size_t, bool failed) {
        if (failed) branches.stop();
    };
    for (std::size_t index = 0; index < work.size(); ++index)
        branches.start(std::move(work[index]), outcomes[index], finished, index);
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
    std::optional<std::size_t> first;
    detail::side_by_side branches(co_await this_chain());
    auto finished = [&](std::size_t index, bool) {
        if (first) return;
        first = index;
        branches.stop();
    };
    detail::start_all<T...>(branches, all, outcomes, finished, std::index_sequence_for<T...>());
    co_await branches.join();
    auto values = [](auto&... each) { return std::tuple<outcome_of<T>...>(detail::value_of_outcome<T>(each)...); };
    co_return first_of<T...>{*first, std::apply(values, outcomes)};
}

/// The same for tasks of one type; there must be at least one.
template <class T>
task<first_of_many<T>> when_any(std::vector<task<T>> work) {
    require(!work.empty(), "when_any was given no task, so that none can be the first to finish");
    std::vector<std::optional<outcome_of<T>>> outcomes(work.size());
    std::optional<std::size_t> first;
    detail::side_by_side branches(co_await this_chain());
    auto finished = [&](std::size_t index, bool) {
        if (first) return;
        first = index;
        branches.stop();
    };
    for (std::size_t index = 0; index < work.size(); ++index)
        branches.start(std::move(work[index]), outcomes[index], finished, index);
    co_await branches.join();
    co_return first_of_many<T>{*first, detail::values_of<T>(outcomes)};
}

} // namespace tuyau

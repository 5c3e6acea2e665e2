#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/runtime/buffers.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/sync/event.hpp>

#include "../../runtime/helpers.hpp"
#include "../scenario.hpp"
#include "choices.hpp"
#include "conversation.hpp"
#include "toolbox.hpp"

namespace simulation::programs {

/// A fault of the program itself, thrown through whatever is in between.
struct mishap {};

/// Received bytes whose lease is held for long.
struct kept_bytes {
    tuyau::buffer bytes;
    const conversation* of;
    unsigned speaker;
    std::uint64_t position;

    void check() const {
        expect(of->matches(speaker, position, bytes.text()), "leased bytes changed at {} of conversation {}", position,
               of->number);
    }
};

/// One of the program's loops, as those on it and those who visit it know it.
struct place {
    explicit place(choices& next) : tools(next) {}

    tuyau::loop_handle handle;            ///< null before the loop is made
    std::optional<tuyau::endpoint> where; ///< that it listens on
    toolbox<within_one_loop> tools;
    std::vector<kept_bytes> kept;
    std::list<tests::loose> loose; ///< coroutines that are destroyed at any time, also after their loop; last

    bool closing = false;   ///< nothing is handed to it any more
    std::size_t visits = 0; ///< tasks handed to it that have not come back
    tuyau::concurrent::event unvisited;
};

/// All that one program knows.
class world {
public:
    world(kernel& runs_in, choices& made_of, std::size_t places) : here(runs_in), next(made_of), common(made_of) {
        for (std::size_t index = 0; index < places; ++index) all.emplace_back(made_of);
    }

    kernel& here;
    choices& next;
    std::deque<place> all;
    toolbox<across_several_loops> common;
    std::vector<std::stop_source> sources;
    std::size_t actors = 0; ///< that are under way

    /// The program has come to its end: everybody winds down.
    bool over() {
        if (!over_since_ && (ended_ || next.over())) over_since_ = here.now();
        return over_since_.has_value();
    }
    void end() noexcept { ended_ = true; }

    /// Nothing may go on for long once it is over.
    void check_time() {
        // Nested shields have half a second each; a notice of a zero-copy send may come after a minute.
        const duration bound = has_happened(fault::late_notification) ? 200s : 10s;
        expect(!over_since_ || here.now() - *over_since_ < bound, "the program ended {} s ago, and goes on",
               std::chrono::duration<double>(here.now() - *over_since_).count());
    }

    conversation& begin_conversation() {
        conversations_.push_back({});
        conversations_.back().number = conversations_.size();
        return conversations_.back();
    }
    conversation* find_conversation(std::uint64_t number) {
        return number != 0 && number <= conversations_.size() ? &conversations_[number - 1] : nullptr;
    }

    /// Whether a connection may have been broken off by something outside the program.
    bool lines_may_break() const { return any_has_happened({fault::connection_reset, fault::connection_timed_out}); }

    void check_end() {
        common.check_end();
        for (place& each : all) each.tools.check_end();
        expect(actors == 0, "{} actors are left", actors);
    }

private:
    std::deque<conversation> conversations_; // whoever knows one keeps a reference
    std::optional<instant> over_since_;
    bool ended_ = false;
};

/// Who does something, where, and how deep among those who do something together.
struct role {
    world& all;
    std::size_t at;
    unsigned depth = 0;
    bool loose = false; ///< within a coroutine that may be destroyed at any time

    place& here() const { return all.all[at]; }
    role below() const { return {all, at, depth + 1, loose}; }
};

} // namespace simulation::programs

#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../peer.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

inline constexpr std::size_t longest_chat_line = 1000; // as the program promises
inline constexpr std::size_t most_unsent_lines = 1024;

class chat_room;

/// One client of the chat: what it has said, what it has heard, and how it went.
struct guest {
    std::size_t id = 0;
    std::shared_ptr<peer> line;
    int number = 0; ///< as the program calls it, from its welcome on
    instant welcomed_at{};

    struct said_line {
        std::string text;
        instant begun;
    };
    std::vector<said_line> said;

    bool listening = false;  ///< reads, until the end of its stream
    bool ended_well = false; ///< the stream has ended, and not by an error
    bool stays = false;      ///< and has no wish to go
    bool says_too_much = false;
    bool leaving = false; ///< has done something after which the program must say that it left
    bool at_will = false; ///< and was still there then
    instant leaving_since{};

    std::string unfinished; ///< of what it has received, less than a line
    std::size_t heard_lines = 0;
    std::size_t present_before = 0;
    int newest = 0;                          ///< the number of the last that came
    std::set<int> gone;                      ///< the numbers of those who left
    std::map<std::size_t, std::size_t> next; ///< by the id of who speaks, the line that comes next

    void leaves();
    bool is_broken() const noexcept { return line && line->is_broken(); }
};

/// What must hold of everything that is heard in a chat room, and what everybody there must have heard in the end.
class chat_room {
public:
    explicit chat_room(kernel& here) noexcept : here_(here) {}

    guest& add();
    std::deque<guest>& guests() noexcept { return guests_; }

    /// Notes a line before its first byte is sent; what is sent, without the line's end.
    std::string note(guest& speaker, std::size_t filler);

    /// Bytes have come for `me`, however they were cut.
    void hear(guest& me, std::string_view bytes);

    /// The program has been asked to end: what it closes from now on needs no other reason.
    void end() noexcept { ending_ = true; }
    bool is_ending() const noexcept { return ending_; }

    /// Some may have to wait outside: who has not been welcomed need not have been heard.
    void let_some_wait() noexcept { some_wait_ = true; }

    /// Whether `me` may have been dropped for not reading.
    bool may_be_too_slow(const guest& me) const noexcept;

    /// Whether `me` has heard all that it must; otherwise what is missing.
    bool knows_all(const guest& me, std::string& missing) const;

    /// Bytes heard by anybody.
    std::size_t heard() const noexcept { return heard_; }

    /// The numbers of those who were dropped because they did not read.
    const std::set<int>& dropped() const noexcept { return dropped_; }

private:
    void hear_line(guest& me, std::string_view line);
    void hear_welcome(guest& me, std::string_view rest);
    void hear_farewell(guest& me, int number, std::string_view reason);
    void hear_speech(guest& me, int number, std::string_view text);
    guest* with_number(int number) noexcept;

    kernel& here_;
    std::deque<guest> guests_;
    std::map<int, std::size_t> ids_; // by number
    std::size_t said_ = 0;
    std::size_t heard_ = 0;
    std::set<int> dropped_;
    bool ending_ = false;
    bool some_wait_ = false;
};

} // namespace simulation::scenarios

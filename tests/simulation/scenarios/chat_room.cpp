#include "chat_room.hpp"

#include <charconv>

namespace simulation::scenarios {
namespace {

/// Takes `prefix` away if it is there.
bool skip(std::string_view& text, std::string_view prefix) noexcept {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

template <class Integer>
bool take_number(std::string_view& text, Integer& number) noexcept {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return error == std::errc();
}

} // namespace

void guest::leaves() {
    if (leaving) return;
    leaving = true;
    stays = false;
    at_will = line->is_open() && !line->is_broken();
    leaving_since = kernel::current().now();
}

guest& chat_room::add() {
    guest& added = guests_.emplace_back();
    added.id = guests_.size() - 1;
    return added;
}

std::string chat_room::note(guest& speaker, std::size_t filler) {
    std::string text = fmt::format("{}.{} ", speaker.id, speaker.said.size());
    while (filler-- != 0) text += static_cast<char>('a' + (filler + speaker.said.size()) % 26);
    text += '.';
    speaker.said.push_back({text, here_.now()});
    ++said_;
    return text;
}

void chat_room::hear(guest& me, std::string_view bytes) {
    me.unfinished += bytes;
    heard_ += bytes.size();
    std::size_t begin = 0;
    std::size_t end;
    while ((end = me.unfinished.find('\n', begin)) != std::string::npos) {
        hear_line(me, std::string_view(me.unfinished).substr(begin, end - begin));
        begin = end + 1;
    }
    me.unfinished.erase(0, begin);
}

void chat_room::hear_line(guest& me, std::string_view line) {
    std::string_view rest = line;
    int number = 0;
    ++me.heard_lines;
    if (me.number == 0) {
        expect(skip(rest, "* welcome, you are client "), "a client was not welcomed, but told: '{}'", line);
        return hear_welcome(me, rest);
    }
    if (skip(rest, "* client ")) {
        expect(take_number(rest, number), "who is that: '{}'", line);
        if (rest != " came") return hear_farewell(me, number, rest);
        expect(number == me.newest + 1, "client {} was told that {} came, after {}", me.number, number, me.newest);
        me.newest = number;
        return;
    }
    if (skip(rest, "* good-bye: ")) {
        expect(me.says_too_much, "client {} was sent away, and had done nothing: '{}'", me.number, line);
        return;
    }
    const bool well = skip(rest, "client ") && take_number(rest, number) && skip(rest, ": ");
    expect(well, "client {} was told what nobody says: '{}'", me.number, line);
    hear_speech(me, number, rest);
}

void chat_room::hear_welcome(guest& me, std::string_view rest) {
    const bool well =
        take_number(rest, me.number) && skip(rest, "; here with you: ") && take_number(rest, me.present_before);
    expect(well && rest.empty(), "an odd welcome: '{}'", rest);
    const auto [place, is_new] = ids_.emplace(me.number, me.id);
    expect(is_new || place->second == me.id, "two clients have the number {}", me.number);
    expect(me.present_before < static_cast<std::size_t>(me.number), "client {} is told of {} others", me.number,
           me.present_before);
    me.newest = me.number;
    me.welcomed_at = here_.now();
}

void chat_room::hear_farewell(guest& me, int number, std::string_view reason) {
    const bool well = skip(reason, " left");
    expect(well && number != me.number && number <= me.newest && me.gone.insert(number).second,
           "client {} was told that {} left", me.number, number);
    const auto others_before = me.gone.lower_bound(me.number);
    expect(static_cast<std::size_t>(std::distance(me.gone.begin(), others_before)) <= me.present_before,
           "more have left than client {} was told of", me.number);
    const guest* who = with_number(number);
    if (reason == ", dropped: it does not read what is sent to it") {
        dropped_.insert(number);
        expect(who == nullptr || may_be_too_slow(*who), "client {} was dropped with {} lines heard, and {} said",
               number, who->heard_lines, said_);
    } else if (reason == ", dropped: its line was longer than 1000 bytes") {
        expect(who == nullptr || who->says_too_much, "client {} was dropped for a line that it had not said", number);
    } else {
        expect(reason.empty(), "an odd farewell: '{}'", reason);
        expect(who == nullptr || who->leaving || who->is_broken() || !who->line->is_open(),
               "client {} was told that {} left, which is still there", me.number, number);
    }
}

void chat_room::hear_speech(guest& me, int number, std::string_view text) {
    std::string_view rest = text;
    std::size_t id = 0;
    std::size_t place = 0;
    const bool well = take_number(rest, id) && skip(rest, ".") && take_number(rest, place) && id < guests_.size() &&
                      place < guests_[id].said.size() && guests_[id].said[place].text == text;
    expect(well, "client {} heard what nobody has said: '{}'", me.number, text);
    const guest& speaker = guests_[id];
    const auto [known, is_new] = ids_.emplace(number, id);
    expect(known->second == id, "client {} heard as {} what another has said", me.number, number);
    expect(number != me.number && number <= me.newest && !me.gone.contains(number),
           "client {} heard {}, which is not there", me.number, number);
    const auto next = me.next.find(id);
    if (next != me.next.end())
        expect(place == next->second, "client {} heard line {} of {} in place of line {}", me.number, place, number,
               next->second);
    else
        expect(place == 0 || speaker.said[place - 1].begun <= me.welcomed_at, "client {} did not hear line {} of {}",
               me.number, place - 1, number);
    me.next[id] = place + 1;
}

guest* chat_room::with_number(int number) noexcept {
    const auto place = ids_.find(number);
    return place == ids_.end() ? nullptr : &guests_[place->second];
}

bool chat_room::may_be_too_slow(const guest& me) const noexcept {
    return said_ + 2 * guests_.size() >= me.heard_lines + most_unsent_lines; // two: each came, and may have left
}

bool chat_room::knows_all(const guest& me, std::string& missing) const {
    for (const guest& other : guests_) {
        if (&other == &me || !other.line || (other.number == 0 && some_wait_)) continue;
        if (other.number > me.newest) missing = fmt::format("{} does not know that {} came", me.number, other.number);
        if (other.number != 0 && other.at_will && other.leaving_since > me.welcomed_at &&
            !me.gone.contains(other.number))
            missing = fmt::format("{} does not know that {} left", me.number, other.number);
        // What a client said before it closed or was cut off may be lost on its way; whether it reads does not matter.
        const bool all_counts = (other.line->is_open() || other.ended_well) && !other.is_broken() &&
                                (other.number == 0 || !dropped_.contains(other.number));
        if (!all_counts || other.said.empty() || other.said.back().begun <= me.welcomed_at) continue;
        const auto next = me.next.find(other.id);
        const std::size_t known = next == me.next.end() ? 0 : next->second;
        if (known != other.said.size())
            missing = fmt::format("{} has not heard line {} of guest {}", me.number, known, other.id);
    }
    return missing.empty();
}

} // namespace simulation::scenarios

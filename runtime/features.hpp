#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace tuyau {

/// What the runtime uses of the kernel beyond what it cannot do without: each has something else in its place.
enum class feature : unsigned char {
    defer_taskrun,
    cooperative_taskrun,
    registered_ring,
    buffer_ring,
    multishot_receive,
    multishot_accept,
    message_ring,
    gathering_wait,
    send_file,
};

struct feature_facts {
    feature which;
    std::string_view name;    ///< in TUYAU_WITHOUT and in what people read
    std::string_view since;   ///< the Linux that brought it
    std::string_view purpose; ///< what it does for us
    std::string_view instead; ///< what happens without it
};

inline constexpr std::array<feature_facts, 9> all_features{{
    {feature::defer_taskrun, "defer-taskrun", "6.1", "completions are made when the loop asks for them",
     "they are made whenever the kernel gets to it"},
    {feature::cooperative_taskrun, "cooperative-taskrun", "5.19", "completions wait for the next call into the kernel",
     "each one interrupts the loop"},
    {feature::registered_ring, "registered-ring", "5.18", "the kernel finds the ring without looking up its descriptor",
     "it looks it up at each call"},
    {feature::buffer_ring, "buffer-ring", "5.19",
     "the kernel takes a shared buffer when there are bytes to put into it",
     "each receive is a poll, then a call to recv"},
    {feature::multishot_receive, "multishot-receive", "6.0", "one request receives all that a connection brings",
     "one request a receive"},
    {feature::multishot_accept, "multishot-accept", "5.19", "one request accepts all connections",
     "one request a connection"},
    {feature::message_ring, "message-ring", "5.18", "loops wake each other through their rings",
     "they wake each other through a descriptor"},
    {feature::gathering_wait, "gathering-wait", "6.12",
     "a busy loop sleeps until a batch has come, or a moment is over", "it wakes for the first completion"},
    {feature::send_file, "send-file", "3.17", "what a server keeps of a file goes to a connection without being copied",
     "it is read, and then sent"},
}};

constexpr const feature_facts& facts_of(feature which) noexcept {
    return all_features[static_cast<unsigned char>(which)];
}

/// A set of features: a small value.
class feature_set {
public:
    constexpr feature_set() noexcept = default;
    constexpr feature_set(std::initializer_list<feature> members) noexcept {
        for (feature each : members) insert(each);
    }

    static constexpr feature_set all() noexcept {
        feature_set set;
        for (const feature_facts& each : all_features) set.insert(each.which);
        return set;
    }

    constexpr bool contains(feature which) const noexcept { return (bits_ & bit(which)) != 0; }
    constexpr bool empty() const noexcept { return bits_ == 0; }
    constexpr void insert(feature which) noexcept { bits_ |= bit(which); }
    constexpr void erase(feature which) noexcept { bits_ &= ~bit(which); }

    friend constexpr feature_set operator|(feature_set left, feature_set right) noexcept {
        left.bits_ |= right.bits_;
        return left;
    }
    friend constexpr feature_set operator-(feature_set left, feature_set right) noexcept {
        left.bits_ &= ~right.bits_;
        return left;
    }
    friend constexpr bool operator==(feature_set, feature_set) noexcept = default;

private:
    static constexpr unsigned bit(feature which) noexcept { return 1u << static_cast<unsigned char>(which); }

    unsigned bits_ = 0;
};

/// The environment variable that switches features off: their names, separated by commas.
inline constexpr const char* features_variable = "TUYAU_WITHOUT";

/// The features that a list separated by commas names; blanks around a name, and empty names, are passed over. Throws
/// `std::invalid_argument` for a name that is none: what() says which, and which there are.
feature_set parse_features(std::string_view list);

/// The features that the environment switches off. Throws as `parse_features` does.
feature_set features_switched_off();

} // namespace tuyau

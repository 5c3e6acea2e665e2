#include <tuyau/runtime/features.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr bool is_in_order() {
    for (unsigned index = 0; index < all_features.size(); ++index)
        if (static_cast<unsigned>(all_features[index].which) != index) return false;
    return true;
}
static_assert(is_in_order(), "facts_of finds a feature's facts by its number");

std::string_view without_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[noreturn]] void refuse(std::string_view name) {
    std::string text =
        std::string(features_variable) + " names '" + std::string(name) + "', which is no feature; there are ";
    for (const feature_facts& each : all_features) {
        if (each.which != all_features.front().which) text += ", ";
        text += each.name;
    }
    throw std::invalid_argument(text);
}

} // namespace

feature_set parse_features(std::string_view list) {
    feature_set set;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const std::string_view name = without_blanks(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (name.empty()) continue;
        const auto* found = std::find_if(all_features.begin(), all_features.end(),
                                         [name](const feature_facts& each) { return each.name == name; });
        if (found == all_features.end()) refuse(name);
        set.insert(found->which);
    }
    return set;
}

feature_set features_switched_off() { return parse_features(system::environment(features_variable)); }

} // namespace tuyau

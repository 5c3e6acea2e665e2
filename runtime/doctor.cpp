#include <tuyau/runtime/doctor.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/ring_trouble.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

using condition = finding::condition;

// The standard streams, a ring, a signal, a listener, and a few connections.
constexpr std::uint64_t fewest_descriptors = 16;

// One entry of each queue, io_uring_setup(2) and io_uring_register_buf_ring(3).
constexpr unsigned submission_bytes = 64;
constexpr unsigned completion_bytes = 16;
constexpr unsigned buffer_bytes = 16;

std::string text_of(std::uint64_t limit) { return limit == system::unlimited ? "unlimited" : std::to_string(limit); }

std::string in_kibibytes(std::uint64_t bytes) {
    return bytes == system::unlimited ? "unlimited" : std::to_string(bytes / 1024) + " KiB";
}

finding liburing() {
    const std::string built = std::to_string(IO_URING_VERSION_MAJOR) + "." + std::to_string(IO_URING_VERSION_MINOR);
    const std::string linked =
        std::to_string(io_uring_major_version()) + "." + std::to_string(io_uring_minor_version());
    return {"liburing", condition::info, built == linked ? built : linked + ", compiled against " + built, ""};
}

finding descriptors() {
    const auto limit = system::descriptor_limit();
    finding found{"RLIMIT_NOFILE", condition::info,
                  "soft " + text_of(limit.soft) + ", hard " + text_of(limit.hard) +
                      "; a loop takes two descriptors, a connection one",
                  ""};
    if (limit.hard < fewest_descriptors) {
        found.state = condition::fault;
        found.why += ", and less than " + std::to_string(fewest_descriptors) + " are too few";
        found.remedy = explain(EMFILE).remedy;
    }
    return found;
}

finding locked_memory() {
    const auto limit = system::locked_memory_limit();
    const ring_options ring;
    const unsigned cost = ring.submission_entries * submission_bytes + ring.completion_entries * completion_bytes +
                          buffer_options().most * buffer_bytes;
    return {"RLIMIT_MEMLOCK", condition::info,
            "soft " + in_kibibytes(limit.soft) + ", hard " + in_kibibytes(limit.hard) + "; a loop's ring takes about " +
                in_kibibytes(cost) + ", counted over all programs of a user other than root",
            ""};
}

finding disabled() {
    const int level = system::io_uring_disabled();
    std::string why = std::to_string(level);
    if (level == 0) why += ", or not there: everybody may use io_uring";
    if (level == 1) {
        const int group = system::io_uring_group();
        why += ": only root may use io_uring";
        if (group >= 0) why += ", and group " + std::to_string(group) + " (kernel.io_uring_group)";
    }
    if (level == 2) why += ": nobody may use io_uring";
    return {"kernel.io_uring_disabled", condition::info, why, ""};
}

finding seccomp() {
    const int mode = system::seccomp_mode();
    const char* why = mode == 0   ? "no filter on this process's system calls"
                      : mode == 2 ? "a filter is active, as in a container; it may forbid io_uring"
                      : mode == 1 ? "strict: no program can run"
                                  : "could not be read";
    return {"seccomp", condition::info, why, ""};
}

finding usable(const feature_facts& facts, feature_set used, feature_set switched_off) {
    const std::string name(facts.name);
    const std::string instead(facts.instead);
    if (used.contains(facts.which)) return {name, condition::on, std::string(facts.purpose), ""};
    if (switched_off.contains(facts.which))
        return {name, condition::off, "switched off by " + std::string(features_variable) + ": " + instead, ""};
    if (facts.which == feature::cooperative_taskrun && used.contains(feature::defer_taskrun))
        return {name, condition::off, "not needed beside " + std::string(facts_of(feature::defer_taskrun).name), ""};
    return {name, condition::missing, "this kernel lacks it: " + instead,
            "Linux " + std::string(facts.since) + " or newer, or one patched with it"};
}

/// Tries it: whether a ring can be set up, and what it then uses of the kernel.
void try_a_ring(std::vector<finding>& findings) {
    feature_set off;
    try {
        off = features_switched_off();
    } catch (const std::invalid_argument& error) {
        findings.push_back({features_variable, condition::fault, error.what(), "correct it, or unset it"});
        return;
    }
    std::optional<feature_set> used;
    try {
        used = loop().requests().features();
        findings.push_back({"io_uring", condition::on, "a ring was set up", ""});
    } catch (const std::system_error& error) {
        ring_trouble trouble = explain(error.code().value());
        findings.push_back({"io_uring", condition::fault, trouble.cause + " (" + error.code().message() + ")",
                            std::move(trouble.remedy)});
    }
    for (const feature_facts& each : all_features)
        if (used || off.contains(each.which)) findings.push_back(usable(each, used.value_or(feature_set()), off));
}

constexpr std::string_view word_for(condition state) noexcept {
    switch (state) {
    case condition::on: return "on";
    case condition::off: return "off";
    case condition::missing: return "missing";
    case condition::fault: return "FAULT";
    case condition::info: break;
    }
    return "info";
}

std::string padded(std::string_view text, std::size_t width) {
    std::string cell(text);
    cell.resize(std::max(width, cell.size()), ' ');
    return cell;
}

} // namespace

bool diagnosis::can_run() const noexcept {
    return std::none_of(findings.begin(), findings.end(),
                        [](const finding& each) { return each.state == condition::fault; });
}

diagnosis diagnose() {
    finding limit_on_descriptors = descriptors();
    system::raise_descriptor_limit(); // as `run` does
    diagnosis found;
    found.findings = {{"kernel", condition::info, system::kernel_release(), ""},
                      liburing(),
                      disabled(),
                      seccomp(),
                      std::move(limit_on_descriptors),
                      locked_memory()};
    try_a_ring(found.findings);
    return found;
}

std::string to_text(const diagnosis& found) {
    constexpr std::size_t state_width = 7;
    std::size_t name_width = 0;
    for (const finding& each : found.findings) name_width = std::max(name_width, each.name.size());
    std::string text;
    for (const finding& each : found.findings) {
        text +=
            padded(each.name, name_width) + "  " + padded(word_for(each.state), state_width) + "  " + each.why + "\n";
        if (!each.remedy.empty()) text += padded("", name_width + state_width + 4) + "remedy: " + each.remedy + "\n";
    }
    text += found.can_run() ? "Programs can run here.\n" : "Programs cannot run here: mend what is marked FAULT.\n";
    return text;
}

} // namespace tuyau

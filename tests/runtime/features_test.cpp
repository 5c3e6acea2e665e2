#include <tuyau/runtime/features.hpp>

#include <cerrno>
#include <cstdlib>
#include <liburing.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

#include <tuyau/runtime/ring.hpp>
#include <tuyau/runtime/run.hpp>

using tuyau::feature;
using tuyau::feature_set;
using tuyau::ring;

namespace {

std::string refusal_of(const char* list) {
    try {
        tuyau::parse_features(list);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return {};
}

/// How a process ends that does `work` with TUYAU_WITHOUT set so.
tests::child_outcome with_environment(const char* list, const std::function<int()>& work) {
    return tests::in_child([&] {
        ::setenv(tuyau::features_variable, list, 1);
        return work();
    });
}

/// Whether a ring uses the feature when io_uring_register refuses `what` with `error`, and works; 0 or 1, else a fault.
int uses_when_refused(feature which, unsigned what, int error) {
    return tests::in_child([=] {
               ::unsetenv(tuyau::features_variable);
               tests::forbid(__NR_io_uring_register, error, what);
               // Registered rings register by another number.
               tuyau::loop here({.ring = {.without = {feature::registered_ring}}, .buffers = {}});
               if (which == feature::registered_ring) {
                   tuyau::loop other;
                   return other.requests().uses(which) ? 1 : 0;
               }
               return here.requests().uses(which) ? 1 : 0;
           })
        .exit_code;
}

} // namespace

TEST_CASE("a set of features has what was put into it, and nothing else") {
    constexpr feature_set none;
    CHECK(none.empty());
    constexpr feature_set two{feature::buffer_ring, feature::message_ring};
    CHECK(two.contains(feature::buffer_ring));
    CHECK(two.contains(feature::message_ring));
    CHECK_FALSE(two.contains(feature::defer_taskrun));
    CHECK_FALSE(two.empty());
    CHECK((two | none) == two);
    CHECK((two - two) == none);
    CHECK((two - feature_set{feature::buffer_ring}) == feature_set{feature::message_ring});
    feature_set all = feature_set::all();
    for (const tuyau::feature_facts& each : tuyau::all_features) {
        CHECK(all.contains(each.which));
        all.erase(each.which);
        CHECK_FALSE(all.contains(each.which));
    }
    CHECK(all.empty());
}

TEST_CASE("every feature is found by its own name") {
    for (const tuyau::feature_facts& each : tuyau::all_features)
        CHECK(tuyau::parse_features(each.name) == feature_set{each.which});
}

TEST_CASE("a list of features may be empty, have blanks, and name one twice") {
    CHECK(tuyau::parse_features("").empty());
    CHECK(tuyau::parse_features(" , ,").empty());
    CHECK(tuyau::parse_features(" buffer-ring ,message-ring,,buffer-ring,") ==
          feature_set{feature::buffer_ring, feature::message_ring});
}

TEST_CASE("a name that is no feature is refused, by name, and those that are features are told") {
    for (const char* list : {"buffer", "buffer-ring,buffer", "buffer ring", "BUFFER-RING"})
        CHECK_FALSE(refusal_of(list).empty());
    const std::string refusal = refusal_of("buffer-ring, bufer-ring");
    CHECK(refusal.find("'bufer-ring'") != std::string::npos);
    for (const tuyau::feature_facts& each : tuyau::all_features) CHECK(refusal.find(each.name) != std::string::npos);
}

TEST_CASE("a ring does without what the environment switches off, and what its options switch off as well") {
    const auto outcome = with_environment("multishot-accept,registered-ring", [] {
        const ring here({.without = {feature::message_ring}});
        const feature_set off{feature::multishot_accept, feature::registered_ring, feature::message_ring};
        return here.features() == here.features() - off ? 0 : 1;
    });
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("a program with an unknown name in its environment says so in one line and fails") {
    const auto outcome =
        with_environment("multishot", [] { return tuyau::run([]() -> tuyau::task<> { co_return; }()); });
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.errors.starts_with("error: TUYAU_WITHOUT names 'multishot'"));
    CHECK(outcome.errors.find('\n') == outcome.errors.size() - 1);
}

TEST_CASE("a kernel that refuses to register a ring of buffers, or the ring itself, is done without it") {
    CHECK(uses_when_refused(feature::buffer_ring, IORING_REGISTER_FILES, EINVAL) == 1); // refused nothing that is asked
    CHECK(uses_when_refused(feature::buffer_ring, IORING_REGISTER_PBUF_RING, EINVAL) == 0);
    CHECK(uses_when_refused(feature::buffer_ring, IORING_REGISTER_PBUF_RING, EPERM) == 0);
    CHECK(uses_when_refused(feature::registered_ring, IORING_REGISTER_RING_FDS, EINVAL) == 0);
}

TEST_CASE("a profile that forbids only io_uring_enter is told when the ring is set up") {
    const auto outcome = tests::in_child([] {
        tests::forbid(__NR_io_uring_enter, EPERM);
        return tuyau::run([]() -> tuyau::task<> { co_return; }());
    });
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.errors.starts_with("error: io_uring is not permitted here"));
}

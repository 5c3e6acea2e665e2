// Gives each test a kernel of its own, in fine weather; the order in which things happen is the seed's. A test that has
// passed leaves no descriptor open.

#include <cstdlib>
#include <optional>
#include <string>

#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include "../kernel/kernel.hpp"

namespace {

class kernel_per_test final : public Catch::EventListenerBase {
public:
    using EventListenerBase::EventListenerBase;

    void testCasePartialStarting(const Catch::TestCaseInfo& test, std::uint64_t) override {
        const char* seed = std::getenv("TUYAU_SIMULATION_SEED");
        here_.emplace(seed != nullptr ? std::strtoull(seed, nullptr, 10) : 1);
        here_->weather().calm();
        here_->allow_foreign_threads();
        here_->allow_closing_in_use();
        here_->set_replay("TUYAU_SIMULATION_SEED=" + std::to_string(here_->seed()) + " runtime_tests_simulated '" +
                          test.name + "'");
    }

    void testCasePartialEnded(const Catch::TestCaseStats& test, std::uint64_t) override {
        if (test.totals.assertions.allOk()) here_->require_clean_end();
        here_.reset();
    }

private:
    std::optional<simulation::kernel> here_;
};

} // namespace

CATCH_REGISTER_LISTENER(kernel_per_test)

#include <tuyau/runtime/traffic.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using tuyau::traffic;

namespace {

/// Streams that are heard one after another, and a loop that goes round every 100 us.
class scene {
public:
    explicit scene(std::size_t streams) : last_active_(streams) {}

    /// What the next wait is to gather, with so many requests that are sent with it.
    unsigned wanted(unsigned prepared = 0) {
        now_ += 100us;
        return traffic_.to_gather(now_, prepared);
    }

    /// So many arrivals end it.
    void bring(unsigned arrivals) {
        traffic_.begin_round();
        for (; arrivals != 0; --arrivals) traffic_.arrived(last_active_[next_++ % last_active_.size()]);
        traffic_.end_of_reading();
    }

    /// Rounds with `arrivals` each until one is to gather; at most 100,000.
    unsigned rounds_without_gathering(unsigned arrivals) {
        for (unsigned rounds = 0; rounds < 100'000; ++rounds) {
            if (wanted() > 1) return rounds;
            bring(arrivals);
        }
        return 100'000;
    }

private:
    traffic traffic_;
    std::vector<std::uint16_t> last_active_;
    std::size_t next_ = 0;
    traffic::clock::time_point now_ = traffic::clock::time_point(1h);
};

} // namespace

TEST_CASE("where many streams are busy a wait gathers a quarter of them, 32 at most") {
    scene some(64);
    CHECK(some.rounds_without_gathering(16) < 100);
    for (int round = 0; round < 1000; ++round) {
        some.bring(16);
        CHECK(some.wanted() == 16);
    }
    scene many(1000);
    CHECK(many.rounds_without_gathering(200) < 100);
    many.bring(200);
    CHECK(many.wanted() == 32);
}

TEST_CASE("what is sent with a wait is gathered as well, up to a third of the streams, and 48") {
    scene some(120);
    CHECK(some.rounds_without_gathering(30) < 100);
    some.bring(30);
    CHECK(some.wanted() == 30);
    some.bring(30);
    CHECK(some.wanted(5) == 35);
    some.bring(30);
    CHECK(some.wanted(30) == 40);
    some.bring(10); // as many as could be hoped for
    CHECK(some.wanted(100) == 40);
    some.bring(1); // it was not waited for
    CHECK(some.wanted() == 30);
    scene many(1000);
    CHECK(many.rounds_without_gathering(200) < 100);
    many.bring(200);
    CHECK(many.wanted(200) == 48);
}

TEST_CASE("few streams are never waited for, and neither are streams that bring little") {
    CHECK(scene(1).rounds_without_gathering(1) == 100'000);
    CHECK(scene(31).rounds_without_gathering(31) == 100'000);
    CHECK(scene(64).rounds_without_gathering(2) == 100'000);
}

TEST_CASE("a wait for several that ends with few is the last for a while, and for longer each time") {
    scene all(64);
    unsigned before = 0;
    all.rounds_without_gathering(8);
    for (int time = 0; time < 6; ++time) {
        all.bring(8); // 16 were wanted
        const unsigned pause = all.rounds_without_gathering(8);
        CHECK(pause > before);
        before = pause;
    }
    // Bounded: it is tried again.
    for (int time = 0; time < 4; ++time) {
        all.bring(8);
        CHECK(all.rounds_without_gathering(8) < 10'000);
    }
}

TEST_CASE("waits that end with what they wanted make up for one that did not") {
    scene all(64);
    all.rounds_without_gathering(16);
    for (int time = 0; time < 6; ++time) {
        all.bring(8);
        all.rounds_without_gathering(8);
    }
    for (int round = 0; round < 100; ++round) {
        all.bring(16);
        CHECK(all.wanted() == 16);
    }
    all.bring(8);
    const unsigned pause = all.rounds_without_gathering(16);
    CHECK(pause <= scene(64).rounds_without_gathering(16) + 100);
}

#include <tuyau/runtime/list.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using tuyau::list;
using tuyau::list_node;

namespace {

struct item : list_node {
    explicit item(int given = 0) : number(given) {}
    int number;
};

std::vector<int> numbers_of(list<item>& items) {
    std::vector<int> numbers;
    items.for_each([&](item& each) { numbers.push_back(each.number); });
    return numbers;
}

} // namespace

TEST_CASE("a list gives its members back in the order they came") {
    std::array items{item(1), item(2), item(3)};
    list<item> queue;
    CHECK(queue.empty());
    CHECK(queue.pop_front() == nullptr);
    for (item& each : items) queue.push_back(each);
    CHECK(numbers_of(queue) == std::vector{1, 2, 3});
    CHECK(queue.front().number == 1);
    CHECK(queue.pop_front()->number == 1);
    CHECK(queue.pop_front()->number == 2);
    CHECK(queue.pop_front()->number == 3);
    CHECK(queue.empty());
}

TEST_CASE("a member that is destroyed leaves its list") {
    list<item> queue;
    item first(1);
    item last(3);
    queue.push_back(first);
    {
        item middle(2);
        queue.push_back(middle);
        queue.push_back(last);
    }
    CHECK(numbers_of(queue) == std::vector{1, 3});
}

TEST_CASE("a list that is destroyed leaves its members unlinked") {
    item only;
    {
        list<item> queue;
        queue.push_back(only);
        CHECK(only.linked());
    }
    CHECK_FALSE(only.linked());
    only.unlink();
    CHECK_FALSE(only.linked());
}

TEST_CASE("a member that is pushed again moves, from another list as well") {
    list<item> one;
    list<item> other;
    item first(1);
    item second(2);
    one.push_back(first);
    one.push_back(second);
    one.push_back(first);
    CHECK(numbers_of(one) == std::vector{2, 1});
    other.push_back(second);
    CHECK(numbers_of(one) == std::vector{1});
    CHECK(numbers_of(other) == std::vector{2});
}

TEST_CASE("a list takes over the members of another, none of which is lost") {
    list<item> from;
    list<item> to;
    to.take(from);
    CHECK(to.empty());
    std::array items{item(1), item(2)};
    for (item& each : items) from.push_back(each);
    to.take(from);
    CHECK(from.empty());
    CHECK(numbers_of(to) == std::vector{1, 2});
    item third(3);
    to.push_back(third);
    items[0].unlink();
    CHECK(numbers_of(to) == std::vector{2, 3});
    from.push_back(items[0]);
    CHECK(numbers_of(from) == std::vector{1});
}

TEST_CASE("a member may be unlinked while the list is gone through") {
    std::array items{item(1), item(2), item(3), item(4)};
    list<item> queue;
    for (item& each : items) queue.push_back(each);
    queue.for_each([](item& each) {
        if (each.number % 2 == 0) each.unlink();
    });
    CHECK(numbers_of(queue) == std::vector{1, 3});
}

TEST_CASE("a list does what a deque does, whatever is done to it") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        std::vector<std::optional<item>> items(32);
        std::deque<int> model;
        list<item> queue;
        for (int step = 0; step < 2000; ++step) {
            const int number = static_cast<int>(random() % items.size());
            auto& chosen = items[static_cast<std::size_t>(number)];
            const auto known = std::find(model.begin(), model.end(), number);
            switch (random() % 4) {
            case 0:
                if (known != model.end()) model.erase(known);
                if (!chosen) chosen.emplace(number);
                queue.push_back(*chosen);
                model.push_back(number);
                break;
            case 1:
                if (known != model.end()) model.erase(known);
                chosen.reset();
                break;
            case 2:
                if (known != model.end()) model.erase(known);
                if (chosen) chosen->unlink();
                break;
            default:
                item* popped = queue.pop_front();
                REQUIRE((popped == nullptr) == model.empty());
                if (popped != nullptr) {
                    REQUIRE(popped->number == model.front());
                    model.pop_front();
                }
            }
            REQUIRE(numbers_of(queue) == std::vector<int>(model.begin(), model.end()));
        }
    }
}

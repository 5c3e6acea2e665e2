// The standard library's ways to start a thread and to join it, in whose place the linker puts these (--wrap). While turns
// are kept, a new thread has the first one, and who joins another sleeps as it would in a request.

#include <memory>
#include <thread>
#include <utility>

#include "kernel.hpp"

using simulation::kernel;

namespace {

using state = std::thread::_State;

class thread_of_the_program final : public state {
public:
    thread_of_the_program(kernel& here, std::unique_ptr<state> program) : here_(here), program_(std::move(program)) {}

    void _M_run() override {
        program_->_M_run();
        program_.reset();
        here_.end_thread();
    }

private:
    kernel& here_;
    std::unique_ptr<state> program_;
};

bool keeps_turns() {
    const kernel* here = kernel::current_or_null();
    return here != nullptr && here->keeps_turns();
}

} // namespace

#define START "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE"
#define JOIN "_ZNSt6thread4joinEv"

void really_start(std::thread* which, std::unique_ptr<state> program, void (*depend)()) __asm__("__real_" START);
void start(std::thread* which, std::unique_ptr<state> program, void (*depend)()) __asm__("__wrap_" START);
void really_join(std::thread* which) __asm__("__real_" JOIN);
void join(std::thread* which) __asm__("__wrap_" JOIN);

void start(std::thread* which, std::unique_ptr<state> program, void (*depend)()) {
    if (!keeps_turns()) return really_start(which, std::move(program), depend);
    kernel& here = kernel::current();
    here.start_thread([&] {
        really_start(which, std::make_unique<thread_of_the_program>(here, std::move(program)), depend);
        return which->get_id();
    });
}

void join(std::thread* which) {
    if (keeps_turns()) kernel::current().await_end_of(which->get_id());
    really_join(which);
}

#include <tuyau/runtime/workers.hpp>

#include <exception>
#include <future>
#include <string>
#include <thread>

#include <tuyau/runtime/contract.hpp>
#include <tuyau/runtime/inbox.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/system.hpp>
#include <tuyau/runtime/thread.hpp>

namespace tuyau {

class workers::thread {
public:
    thread(std::size_t index, const worker_options& options)
        : thread_(detail::start_thread([this, index, &options] { main(index, options); })) {
        try {
            handle_ = started_.get_future().get();
        } catch (...) {
            thread_.join();
            throw;
        }
    }

    ~thread() {
        handle_->post_now(end_);
        thread_.join();
    }

    const loop_handle& handle() const noexcept { return handle_; }

private:
    void main(std::size_t index, const worker_options& options) noexcept {
        system::name_thread(("tuyau-" + std::to_string(index)).c_str());
        try {
            if (options.pin) system::pin_thread(index);
            loop here(options.loop);
            started_.set_value(here.handle());
            here.run(until_ended());
            require(here.visitors() == 0, "workers were destroyed while a task that was handed to them was under way");
        } catch (...) {
            started_.set_exception(std::current_exception());
        }
    }

    task<> until_ended() { co_await ended_.wait(); }
    void end() noexcept { ended_.set(); }

    std::promise<loop_handle> started_;
    loop_handle handle_;
    event ended_; // used on the thread
    detail::message_to<thread, &thread::end> end_{*this};
    std::thread thread_; // last: it uses all of the above
};

workers::workers(worker_options options) {
    const std::size_t count = options.count != 0 ? options.count : system::usable_processors();
    threads_.reserve(count);
    handles_.reserve(count);
    for (std::size_t index = 0; index < count; ++index) {
        threads_.push_back(std::make_unique<thread>(index, options));
        handles_.push_back(threads_.back()->handle());
    }
}

workers::~workers() = default;

} // namespace tuyau

#include "files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>

#include "kernel.hpp"

namespace simulation {

outcome file::read(char*, std::size_t) { return -EINVAL; }
outcome file::write(const char*, std::size_t) { return -EINVAL; }

void file::changed() {
    // Each looks for itself what the change means to it.
    for (const waiting_request& each : waiting_) kernel_.look_again(each);
    auto watchers = std::exchange(watchers_, {});
    for (auto handle : watchers) kernel_.time().after(0ns, [handle] { handle.resume(); });
}

outcome event_file::read(char* to, std::size_t size) {
    if (size < sizeof count_) return -EINVAL;
    if (count_ == 0) return std::nullopt;
    std::memcpy(to, &count_, sizeof count_);
    count_ = 0;
    return static_cast<int>(sizeof count_);
}

outcome event_file::write(const char* from, std::size_t size) {
    std::uint64_t added = 0;
    if (size < sizeof added) return -EINVAL;
    std::memcpy(&added, from, sizeof added);
    count_ += added;
    changed();
    return static_cast<int>(sizeof added);
}

short event_file::readiness() const { return static_cast<short>(POLLOUT | (count_ != 0 ? POLLIN : 0)); }

bool signal_file::receive(int number) {
    if (((signals_ >> (number - 1)) & 1) == 0) return false;
    received_.insert(number);
    changed();
    return true;
}

outcome signal_file::read(char* to, std::size_t size) {
    if (size < sizeof(signalfd_siginfo)) return -EINVAL;
    if (received_.empty()) return std::nullopt;
    signalfd_siginfo told{};
    told.ssi_signo = static_cast<std::uint32_t>(*received_.begin());
    received_.erase(received_.begin());
    std::memcpy(to, &told, sizeof told);
    return static_cast<int>(sizeof told);
}

short signal_file::readiness() const { return received_.empty() ? short{0} : short{POLLIN}; }

pipe_reader::pipe_reader(kernel& owner, std::shared_ptr<pipe_buffer> shared) : file(owner), shared_(std::move(shared)) {
    shared_->reader = this;
}

pipe_reader::~pipe_reader() { shared_->reader = nullptr; }

outcome pipe_reader::read(char* to, std::size_t size) {
    if (shared_->bytes.empty()) return shared_->writable ? std::nullopt : outcome(0);
    const std::size_t taken = shared_->bytes.take(to, size);
    if (shared_->writer != nullptr) shared_->writer->changed();
    return static_cast<int>(taken);
}

short pipe_reader::readiness() const {
    return static_cast<short>((shared_->bytes.empty() ? 0 : POLLIN) | (shared_->writable ? 0 : POLLHUP));
}

void pipe_reader::released() {
    shared_->readable = false;
    if (shared_->writer != nullptr) shared_->writer->changed();
}

pipe_writer::pipe_writer(kernel& owner, std::shared_ptr<pipe_buffer> shared) : file(owner), shared_(std::move(shared)) {
    shared_->writer = this;
}

pipe_writer::~pipe_writer() { shared_->writer = nullptr; }

std::size_t pipe_writer::writable() const {
    return shared_->readable ? shared_->room - std::min(shared_->room, shared_->bytes.size()) : 0;
}

outcome pipe_writer::write(const char* from, std::size_t size) {
    if (!shared_->readable) return -EPIPE;
    if (writable() == 0) return std::nullopt;
    size = std::min(size, writable());
    shared_->bytes.put(from, size);
    owner().record().mix_in(from, size);
    if (shared_->reader != nullptr) shared_->reader->changed();
    return static_cast<int>(size);
}

short pipe_writer::readiness() const {
    return static_cast<short>((shared_->bytes.size() < shared_->room ? POLLOUT : 0) |
                              (shared_->readable ? 0 : POLLERR));
}

void pipe_writer::released() {
    shared_->writable = false;
    if (shared_->reader != nullptr) shared_->reader->changed();
}

outcome regular_file::read(char* to, std::size_t size) {
    if ((flags_ & O_ACCMODE) == O_WRONLY) return -EBADF;
    size = std::min(size, readable());
    if (size == 0) return 0;
    std::memcpy(to, content_->data() + position_, size);
    position_ += size;
    return static_cast<int>(size);
}

outcome regular_file::write(const char* from, std::size_t size) {
    if ((flags_ & O_ACCMODE) == O_RDONLY) return -EBADF;
    if ((flags_ & O_APPEND) != 0) position_ = content_->size();
    if (content_->size() < position_ + size) content_->resize(position_ + size);
    std::memcpy(content_->data() + position_, from, size);
    position_ += size;
    owner().record().mix_in(from, size);
    return static_cast<int>(size);
}

short regular_file::readiness() const { return POLLIN | POLLOUT; }

} // namespace simulation

#include <tuyau/net/http/file_resource.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/date.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

using namespace std::chrono_literals;

// Longer than the step in which a file system keeps time, be it FAT's: two changes may have the same time.
constexpr auto unsettled_time = 2s;

// From here on passing the pages of a file to a connection costs less than copying bytes to it. Not the file's own pages:
// who writes to them would change what is on its way.
constexpr std::size_t smallest_copy = 32 * 1024;

// A file that changes while it is read is read again so often. After that it is sent as it changes, and broken off.
constexpr int most_readings = 3;

struct sibling_kind {
    content_coding coding;
    std::string_view extension;
};
constexpr std::array<sibling_kind, 3> sibling_kinds{{
    {content_coding::br, ".br"},
    {content_coding::zstd, ".zst"},
    {content_coding::gzip, ".gz"},
}};

std::chrono::sys_seconds in_seconds(const file_status& status) {
    return std::chrono::floor<std::chrono::seconds>(status.modified);
}

bool is_settled(const file_status& status, std::chrono::system_clock::time_point now) {
    return status.modified + unsettled_time < now;
}

std::string make_entity_tag(const file_status& status, content_coding coding, bool strong) {
    const auto modified = static_cast<std::uint64_t>(status.modified.time_since_epoch().count());
    const std::string_view suffix = name_of(coding);
    return fmt::format("{}\"{:x}-{:x}{}{}\"", strong ? "" : "W/", modified, status.size, suffix.empty() ? "" : "-",
                       suffix);
}

/// The bytes of `from`, which has to have so many; nothing if it has fewer by now.
task<result<std::shared_ptr<const std::string>>> read_whole(const file& from, std::uint64_t size) {
    auto content = std::make_shared<std::string>(static_cast<std::size_t>(size), '\0');
    std::size_t done = 0;
    while (done < content->size()) {
        const auto rest = std::as_writable_bytes(std::span(*content).subspan(done));
        auto came = co_await from.read_at(done, rest);
        if (!came) co_return failure(came.error());
        if (*came == 0) co_return std::shared_ptr<const std::string>();
        done += static_cast<std::size_t>(*came);
    }
    co_return std::shared_ptr<const std::string>(std::move(content));
}

/// Reads the content of `here`, and looks whether it was that all the while. Leaves it without content if it never was.
task<result<void>> read_content(representation& here) {
    for (int reading = 0; reading < most_readings; ++reading) {
        auto content = co_await read_whole(here.opened, here.status.size);
        if (!content) co_return failure(content.error());
        auto after = here.opened.status();
        if (!after) co_return failure(after.error());
        if (*content != nullptr && *after == here.status) {
            here.content = std::move(*content);
            co_return {};
        }
        here.status = *after;
    }
    co_return {};
}

/// The sibling of `plain` if there is one that serves.
task<std::optional<representation>> find_sibling(const folder& root, const std::string& path, sibling_kind kind,
                                                 const file_status& plain) {
    auto opened = co_await root.open_file(path + std::string(kind.extension));
    if (!opened) co_return std::nullopt;
    auto status = opened->status();
    if (!status || status->kind != file_kind::regular) co_return std::nullopt;
    const bool serves = status->size < plain.size && in_seconds(*status) >= in_seconds(plain);
    if (!serves) co_return std::nullopt;
    std::optional<representation> found;
    found.emplace();
    found->coding = kind.coding;
    found->status = *status;
    found->opened = std::move(*opened);
    co_return found;
}

bool same(const file_resource& one, const file_resource& other) noexcept {
    return std::equal(one.representations.begin(), one.representations.end(), other.representations.begin(),
                      other.representations.end(), [](const representation& left, const representation& right) {
                          return left.coding == right.coding && left.status == right.status;
                      });
}

void prepare_whole(const file_resource& all, representation& here) {
    std::string fields = "Accept-Ranges: bytes\r\n";
    const auto add = [&fields](std::string_view name, std::string_view value) {
        fields.append(name).append(": ").append(value).append("\r\n");
    };
    if (here.coding != content_coding::identity) add("Content-Encoding", name_of(here.coding));
    for (const auto& [name, value] : all.describe(here)) add(name, value);
    if (here.copy != nullptr)
        here.whole = std::make_shared<prepared_response>(200, all.media_type, here.copy, here.status.size, fields);
    else
        here.whole = std::make_shared<prepared_response>(200, all.media_type, *here.content, fields, here.content);
}

/// Puts a file of its own in the place of the content if that makes sending it cheaper.
void copy_content(representation& here) {
    if (here.content->size() < smallest_copy || !loop::current().requests().uses(feature::send_file)) return;
    auto copy = file::in_memory(*here.content);
    if (!copy) return; // no descriptor is left, for instance
    here.copy = std::make_shared<const file>(std::move(*copy));
    here.content.reset();
}

} // namespace

std::chrono::sys_seconds last_modified(const file_status& status) {
    return std::min(in_seconds(status), std::chrono::floor<std::chrono::seconds>(system::wall_time()));
}

std::vector<std::pair<std::string_view, std::string>> file_resource::describe(const representation& chosen) const {
    std::vector<std::pair<std::string_view, std::string>> fields;
    fields.emplace_back("ETag", chosen.entity_tag);
    fields.emplace_back("Last-Modified", format_date(last_modified(chosen.status)));
    if (!cache_control.empty()) fields.emplace_back("Cache-Control", cache_control);
    if (!codings.empty()) fields.emplace_back("Vary", "Accept-Encoding");
    return fields;
}

std::size_t file_resource::memory() const noexcept {
    std::size_t all = sizeof *this + media_type.size() + cache_control.size();
    for (const representation& each : representations) {
        all += sizeof each + each.entity_tag.size();
        if (each.whole != nullptr) all += each.whole->body_size() + each.whole->memory();
    }
    return all;
}

std::size_t file_resource::open_files() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(representations.begin(), representations.end(),
                      [](const representation& each) { return each.opened.is_open() || each.copy != nullptr; }));
}

bool file_resource::is_unchanged() const noexcept {
    return std::all_of(representations.begin(), representations.end(), [](const representation& each) {
        if (!each.opened.is_open()) return true;
        const auto now = each.opened.status();
        return now && *now == each.status && now->names != 0;
    });
}

task<result<std::shared_ptr<const file_resource>>> load_resource(const folder& root, std::string path, file opened,
                                                                 file_status status, std::string_view media_type,
                                                                 const file_resource_options& options,
                                                                 std::shared_ptr<const file_resource> known) {
    auto fresh = std::make_shared<file_resource>();
    fresh->media_type = media_type;
    fresh->cache_control = options.cache_control;
    auto& all = fresh->representations;
    all.emplace_back();
    all.front().status = status;
    all.front().opened = std::move(opened);
    for (const sibling_kind& kind : sibling_kinds) {
        auto sibling = co_await find_sibling(root, path, kind, status);
        if (sibling) all.push_back(std::move(*sibling));
    }
    std::sort(all.begin() + 1, all.end(),
              [](const representation& a, const representation& b) { return a.status.size < b.status.size; });
    for (std::size_t index = 1; index < all.size(); ++index) fresh->codings.push_back(all[index].coding);
    if (known != nullptr && same(*known, *fresh)) co_return known;

    const auto now = system::wall_time(); // before the reading: what changes then is seen
    fresh->settled = true;
    for (representation& each : all) {
        if (each.status.size <= options.largest_in_memory) {
            auto read = co_await read_content(each);
            if (!read) co_return failure(read.error());
        }
        const bool settled = is_settled(each.status, now);
        each.entity_tag = make_entity_tag(each.status, each.coding, settled);
        fresh->settled = fresh->settled && settled;
        if (each.content == nullptr) continue;
        each.opened = file();
        copy_content(each);
        prepare_whole(*fresh, each);
    }
    co_return std::shared_ptr<const file_resource>(std::move(fresh));
}

} // namespace tuyau::http

#include <tuyau/net/http/folder_page.hpp>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <tuyau/net/http/error_page.hpp>
#include <tuyau/net/http/file_path.hpp>

namespace tuyau::http {
namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "ul{list-style:none;padding:0;columns:20rem}li{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#9cf}}";

bool goes_before(const folder_entry& left, const folder_entry& right) noexcept {
    const bool left_is_folder = left.kind == file_kind::folder;
    if (left_is_folder != (right.kind == file_kind::folder)) return left_is_folder;
    return left.name < right.name;
}

} // namespace

std::string folder_page(std::string_view path, std::vector<folder_entry> entries, bool complete) {
    std::erase_if(entries, [](const folder_entry& each) { return each.name.starts_with('.'); });
    std::sort(entries.begin(), entries.end(), goes_before);
    const bool is_top = path == ".";
    const std::string title = is_top ? "/" : fmt::format("/{}/", escape_html(path));
    std::string page = fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                                   "<meta name=\"viewport\" content=\"width=device-width\">"
                                   "<title>{0}</title><style>{1}</style></head>\n<body><h1>{0}</h1>\n<ul>\n",
                                   title, style);
    if (!is_top) page += "<li><a href=\"../\">..</a></li>\n";
    for (const folder_entry& each : entries) {
        const std::string_view slash = each.kind == file_kind::folder ? "/" : "";
        // Without the dot a name such as `a:b` would be taken for a scheme.
        fmt::format_to(std::back_inserter(page), "<li><a href=\"./{}{}\">{}{}</a></li>\n", encode_path(each.name),
                       slash, escape_html(each.name), slash);
    }
    page += "</ul>\n";
    if (!complete) page += "<p>There is more here than this page shows.</p>\n";
    page += "</body></html>\n";
    return page;
}

} // namespace tuyau::http

#pragma once

#include <tuyau/net/http/file_resource.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// Answers a GET or HEAD with what `found` is: whole, in parts (RFC 9110, section 14), or with what its conditions come to
/// (section 13). False, and nothing is said, when the representation that the client prefers is not in memory.
bool answer_from_memory(const request& asked, response& reply, const file_resource& found);

/// The same from the file, in pieces. Ends the response short if the file has been changed since it was opened.
task<> answer_from_file(const request& asked, response& reply, const file_resource& found);

} // namespace tuyau::http

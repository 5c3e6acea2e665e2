#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tests {

/// The VP8 key frame in a WebP picture of the lossy kind (RFC 9649, section 2.5).
std::string vp8_frame(std::string_view webp);

/// A film in a WebM container (RFC 9559): `frame`, a VP8 key frame of that width and height, once a second for so many
/// seconds, with an index that leads to each.
std::string make_film(std::string_view frame, std::size_t width, std::size_t height, std::size_t seconds);

} // namespace tests

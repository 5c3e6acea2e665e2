#pragma once

#include <cstdio>
#include <string>

#include <fmt/format.h>

/// One line to whoever runs the program.
inline void say(const std::string& what) { std::fputs(fmt::format("uring-http: {}\n", what).c_str(), stderr); }

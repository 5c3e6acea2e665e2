# The libraries Tuyau stands on, as imported targets: first from the private prefix that cmake/setup fills, then from the
# system. liburing, llhttp, {fmt} and Catch2 are taken so that no program needs their shared libraries where it runs.
#
#   always              liburing::liburing llhttp::llhttp tl::expected fmt::fmt OpenSSL::SSL zlib::zlib brotli::brotli
#                       zstd::zstd Threads::Threads
#   TUYAU_BUILD_APPS    CLI11::CLI11
#   TUYAU_BUILD_TESTS   CLI11::CLI11 Catch2::Catch2WithMain, and PNG::PNG if it is there
#   TUYAU_BUILD_PERF    CLI11::CLI11, and benchmark::benchmark and asio::asio if they are there

set(tuyau_dependencies_dir "${PROJECT_SOURCE_DIR}/build/dependencies")
if(DEFINED ENV{TUYAU_DEPENDENCIES_DIR}) # as cmake/setup has it
    set(tuyau_dependencies_dir "$ENV{TUYAU_DEPENDENCIES_DIR}")
endif()
set(TUYAU_DEPENDENCIES_DIR "${tuyau_dependencies_dir}"
    CACHE PATH "Where cmake/setup unpacks the libraries that the system has too old")

# An embedding project's targets lie outside this directory and must see what ours link to.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

set(tuyau_prefix "${TUYAU_DEPENDENCIES_DIR}/prefix/usr")
set(tuyau_missing "")

# find_library and find_path keep no result of an earlier run: the prefix may have been filled, or removed, since.
function(tuyau_find_static target library header)
    find_path(include_dir ${header} HINTS "${tuyau_prefix}/include" NO_CACHE)
    find_library(archive NAMES lib${library}.a ${library}
        HINTS "${tuyau_prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" "${tuyau_prefix}/lib" NO_CACHE)
    if(NOT include_dir OR NOT archive)
        return()
    endif()

    string(REGEX REPLACE "/$" "" include_dir "${include_dir}")
    set(include_dirs "${include_dir}")
    # The private Linux headers that liburing.h includes keep their <asm/...> in the folder of the architecture.
    if(include_dir STREQUAL "${tuyau_prefix}/include" AND IS_DIRECTORY "${include_dir}/${CMAKE_LIBRARY_ARCHITECTURE}/asm")
        list(APPEND include_dirs "${include_dir}/${CMAKE_LIBRARY_ARCHITECTURE}")
    endif()

    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION "${archive}"
        INTERFACE_INCLUDE_DIRECTORIES "${include_dirs}")
    set(tuyau_include_dir "${include_dir}" PARENT_SCOPE)
endfunction()

function(tuyau_header_number file name result)
    set(${result} 0 PARENT_SCOPE)
    if(EXISTS "${file}")
        file(STRINGS "${file}" line REGEX "^#[ \t]*define[ \t]+${name}[ \t]+[0-9]+" LIMIT_COUNT 1)
        if(line MATCHES "([0-9]+)[ \t]*$")
            set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
        endif()
    endif()
endfunction()

find_package(Threads REQUIRED)

if(NOT TARGET liburing::liburing)
    tuyau_find_static(liburing::liburing uring liburing.h)
    if(TARGET liburing::liburing)
        set(version_header "${tuyau_include_dir}/liburing/io_uring_version.h")
        tuyau_header_number("${version_header}" IO_URING_VERSION_MAJOR major)
        tuyau_header_number("${version_header}" IO_URING_VERSION_MINOR minor)
        if("${major}.${minor}" VERSION_LESS 2.5)
            list(APPEND tuyau_missing "liburing 2.5 or later: liburing-dev (the one in ${tuyau_include_dir} is older)")
        endif()
    else()
        list(APPEND tuyau_missing "liburing 2.5 or later: liburing-dev")
    endif()
endif()

if(NOT TARGET llhttp::llhttp)
    tuyau_find_static(llhttp::llhttp llhttp llhttp.h)
    if(TARGET llhttp::llhttp)
        tuyau_header_number("${tuyau_include_dir}/llhttp.h" LLHTTP_VERSION_MAJOR major)
        if(major LESS 9)
            list(APPEND tuyau_missing "llhttp 9 or later: libllhttp-dev (the one in ${tuyau_include_dir} is older)")
        endif()
    else()
        list(APPEND tuyau_missing "llhttp 9 or later: libllhttp-dev")
    endif()
endif()

# TLS is nobody's to write anew: OpenSSL is everywhere, and 3.0 is the oldest that is still kept up. As a shared library,
# unlike the others: a hole in it is closed by the system's next update, not by building each program again.
if(NOT TARGET OpenSSL::SSL)
    find_package(OpenSSL 3.0 QUIET COMPONENTS SSL Crypto)
    if(NOT TARGET OpenSSL::SSL)
        list(APPEND tuyau_missing "OpenSSL 3.0 or later: libssl-dev")
    endif()
endif()

# Decompression is its inventors' to write: zlib for gzip and deflate, Google's brotli, Facebook's zstd, which browsers and
# curl use as well. They read what strangers send, and so are shared, like OpenSSL.
function(tuyau_find_shared name library header debian_package)
    if(NOT TARGET ${name}::${name})
        find_path(include_dir ${header} HINTS "${tuyau_prefix}/include" NO_CACHE)
        find_library(shared ${library} HINTS "${tuyau_prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" NO_CACHE)
        if(NOT include_dir OR NOT shared)
            set(tuyau_missing "${tuyau_missing};${name}: ${debian_package}" PARENT_SCOPE)
            return()
        endif()
        add_library(${name}::${name} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(${name}::${name} PROPERTIES
            IMPORTED_LOCATION "${shared}"
            INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
    endif()
endfunction()
tuyau_find_shared(zlib z zlib.h zlib1g-dev)
tuyau_find_shared(brotli brotlidec brotli/decode.h libbrotli-dev)
tuyau_find_shared(zstd zstd zstd.h libzstd-dev)

# find_package under the names of the Debian packages.
macro(tuyau_find_package debian_package target name)
    if(NOT TARGET ${target})
        find_package(${name} ${ARGN} QUIET CONFIG PATHS "${tuyau_prefix}" NO_DEFAULT_PATH)
        if(NOT TARGET ${target})
            find_package(${name} ${ARGN} QUIET CONFIG)
        endif()
        if(NOT TARGET ${target})
            list(APPEND tuyau_missing "${name}: ${debian_package}")
        endif()
    endif()
endmacro()

tuyau_find_package(libexpected-dev tl::expected tl-expected)

# Debian's package has the shared library only; its headers alone do as well.
if(NOT TARGET fmt::fmt)
    find_path(tuyau_fmt_include_dir fmt/format-inl.h HINTS "${tuyau_prefix}/include" NO_CACHE)
    if(tuyau_fmt_include_dir)
        add_library(fmt::fmt INTERFACE IMPORTED GLOBAL)
        set_target_properties(fmt::fmt PROPERTIES
            INTERFACE_INCLUDE_DIRECTORIES "${tuyau_fmt_include_dir}"
            INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1)
    else()
        list(APPEND tuyau_missing "fmt: libfmt-dev")
    endif()
endif()

if(TUYAU_BUILD_APPS OR TUYAU_BUILD_TESTS OR TUYAU_BUILD_PERF)
    tuyau_find_package(libcli11-dev CLI11::CLI11 CLI11)
endif()

if(TUYAU_BUILD_TESTS)
    tuyau_find_package("libcatch2-dev or catch2, version 3" Catch2::Catch2WithMain Catch2 3)
    find_package(PNG QUIET)
endif()

if(TUYAU_BUILD_PERF)
    include(CheckCXXSourceCompiles)
    find_package(benchmark QUIET CONFIG)
    if(NOT TARGET benchmark::benchmark)
        message(STATUS "The micro-benchmarks are left out: they need libbenchmark-dev")
    endif()
    # Older ones have no coroutines with clang.
    if(NOT TARGET asio::asio)
        find_path(tuyau_asio_include_dir asio/awaitable.hpp HINTS "${tuyau_prefix}/include" NO_CACHE)
        if(tuyau_asio_include_dir)
            set(CMAKE_REQUIRED_INCLUDES "${tuyau_asio_include_dir}")
            check_cxx_source_compiles("
                #include <asio/awaitable.hpp>
                asio::awaitable<void> nothing() { co_return; }
                int main() { nothing(); }" TUYAU_ASIO_HAS_COROUTINES)
            unset(CMAKE_REQUIRED_INCLUDES)
        endif()
        if(tuyau_asio_include_dir AND TUYAU_ASIO_HAS_COROUTINES)
            add_library(asio::asio INTERFACE IMPORTED GLOBAL)
            set_target_properties(asio::asio PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${tuyau_asio_include_dir}")
        else()
            message(STATUS "The micro-benchmarks and the peers on Asio are left out: they need libasio-dev, with coroutines "
                "for this compiler")
        endif()
    endif()
endif()

if(tuyau_missing)
    list(TRANSFORM tuyau_missing PREPEND "  ")
    list(JOIN tuyau_missing "\n" tuyau_missing)
    message(FATAL_ERROR "Tuyau misses these libraries (after the colon: the Debian package):\n${tuyau_missing}\n"
        "./check or ./run fetches them on Debian and Ubuntu.")
endif()

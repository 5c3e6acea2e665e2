# What add_subdirectory(tuyau) leaves behind is its targets, and cache variables under its own name.

get_directory_property(variables_after VARIABLES)
foreach(variable IN LISTS variables_after)
    if(variable MATCHES "^(CMAKE_CXX_|CMAKE_FIND_|CMAKE_EXPORT_|CMAKE_RUNTIME_|CMAKE_INSTALL_|CMAKE_BUILD_TYPE|CPACK_|TUYAU_)"
       AND NOT variable IN_LIST variables_before AND NOT DEFINED CACHE{${variable}})
        message(SEND_ERROR "Tuyau sets ${variable} for the project that embeds it")
    endif()
endforeach()

# Names that CMake chose: those of its modules for Threads, OpenSSL and tl::expected, and its own.
set(chosen_by_cmake "^(FIND_PACKAGE_MESSAGE_DETAILS_|CMAKE_HAVE_|CMAKE_NUMBER_OF_MAKEFILES|CMAKE_PROJECT_VERSION|tl-expected_DIR$|OPENSSL_|pkgcfg_lib__OPENSSL_|_OPENSSL_|PKG_CONFIG_|__pkg_config_|prefix_result$)")
get_cmake_property(cached_after CACHE_VARIABLES)
foreach(variable IN LISTS cached_after)
    if(NOT variable IN_LIST cached_before
       AND NOT variable MATCHES "^(TUYAU|tuyau)_" AND NOT variable MATCHES "${chosen_by_cmake}")
        message(SEND_ERROR "Tuyau puts ${variable} into the cache of the project that embeds it")
    endif()
endforeach()

foreach(property IN ITEMS COMPILE_OPTIONS COMPILE_DEFINITIONS LINK_OPTIONS INCLUDE_DIRECTORIES)
    get_directory_property(value ${property})
    if(value)
        message(SEND_ERROR "Tuyau sets ${property} for the project that embeds it: ${value}")
    endif()
endforeach()
foreach(target IN ITEMS tuyau_runtime tuyau_net tuyau_tls tuyau_http tuyau_http_client)
    foreach(property IN ITEMS INTERFACE_COMPILE_OPTIONS INTERFACE_COMPILE_DEFINITIONS INTERFACE_LINK_OPTIONS)
        get_target_property(value ${target} ${property})
        if(value)
            message(SEND_ERROR "${target} asks its users for ${value}")
        endif()
    endforeach()
endforeach()

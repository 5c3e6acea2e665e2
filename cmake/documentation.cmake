# Target `docs`: the reference, made from the comments in the headers, in the build folder's docs/html/. A defect in them
# is an error.

find_program(TUYAU_DOXYGEN doxygen)
if(NOT TUYAU_DOXYGEN)
    return()
endif()

# The examples' list, with each of them shown below it from the file that is built; its links lead there.
set(tuyau_examples "${PROJECT_SOURCE_DIR}/apps/examples")
set(tuyau_examples_page "${PROJECT_BINARY_DIR}/docs/apps/examples/README.md")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS apps/examples/README.md)
file(READ "${tuyau_examples}/README.md" examples_text)
string(REPLACE "# Examples\n" "# Examples {#example_programs}\n" examples_text "${examples_text}")
file(GLOB examples CONFIGURE_DEPENDS RELATIVE "${tuyau_examples}" "${tuyau_examples}/*.cpp")
foreach(example IN LISTS examples)
    cmake_path(GET example STEM name)
    string(REPLACE "](${example})" "](#example_${name})" examples_text "${examples_text}")
    string(APPEND examples_text "\n## ${name} {#example_${name}}\n\n\\include{lineno} ${example}\n")
endforeach()
file(CONFIGURE OUTPUT "${tuyau_examples_page}" CONTENT "@examples_text@" @ONLY)

# The pages beside the sources. The headers are read from the build folder's include/ in place of theirs, because there they
# have the names by which they are included.
file(GLOB_RECURSE pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/runtime/*.md" "${PROJECT_SOURCE_DIR}/net/*.md")
foreach(page IN ITEMS perf/README.md tests/fuzz/README.md tests/http/conformance/README.md tests/simulation/README.md)
    list(APPEND pages "${PROJECT_SOURCE_DIR}/${page}")
endforeach()
list(APPEND pages "${tuyau_examples_page}")
list(TRANSFORM pages REPLACE "(.+)" "\"\\1\"")
list(JOIN pages " " tuyau_pages)

# Files that README.md and perf/README.md link to go along.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md perf/README.md)
file(READ "${PROJECT_SOURCE_DIR}/README.md" readme)
file(READ "${PROJECT_SOURCE_DIR}/perf/README.md" perf_readme)
string(REPLACE "](results/" "](perf/results/" perf_readme "${perf_readme}")
string(APPEND readme "${perf_readme}")
string(REGEX MATCHALL "\\((apps|net|perf|runtime|tests)/[^)#]+\\)" links "${readme}")
set(copy_linked "")
foreach(link IN LISTS links)
    string(REGEX REPLACE "^.(.*).$" "\\1" link "${link}")
    if(link MATCHES "\\.md$" OR IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${link}")
        continue()
    endif()
    cmake_path(GET link PARENT_PATH folder)
    list(APPEND copy_linked
        COMMAND "${CMAKE_COMMAND}" -E make_directory "docs/html/${folder}"
        COMMAND "${CMAKE_COMMAND}" -E copy "${PROJECT_SOURCE_DIR}/${link}" "docs/html/${folder}")
endforeach()

configure_file(cmake/Doxyfile.in "${PROJECT_BINARY_DIR}/docs/Doxyfile" @ONLY)
add_custom_target(docs
    COMMAND "${TUYAU_DOXYGEN}" docs/Doxyfile
    ${copy_linked}
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
    COMMENT "Reference documentation in ${PROJECT_BINARY_DIR}/docs/html/index.html"
    VERBATIM)

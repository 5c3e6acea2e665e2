# Target `docs`: the reference, made from the comments in the headers, in the build folder's docs/html/. A defect in them
# is an error.

find_program(TUYAU_DOXYGEN doxygen)
if(NOT TUYAU_DOXYGEN)
    return()
endif()

# The examples are shown from the files that are built.
set(tuyau_examples "${PROJECT_SOURCE_DIR}/apps/examples")
file(GLOB examples CONFIGURE_DEPENDS RELATIVE "${tuyau_examples}" "${tuyau_examples}/*.cpp")
set(tuyau_examples_page "")
foreach(example IN LISTS examples)
    cmake_path(GET example STEM name)
    string(REPLACE "_" " " name "${name}")
    string(APPEND tuyau_examples_page "## ${name}\n\n\\include{lineno} ${example}\n\n")
endforeach()
if(examples)
    string(PREPEND tuyau_examples_page
        "# Examples {#examples}\n\nPrograms to read from top to bottom, in apps/examples/.\n\n")
else()
    set(tuyau_examples "")
endif()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/docs/examples.md" CONTENT "@tuyau_examples_page@" @ONLY)

# Not the folder of the sources: in here the headers have the names by which they are included.
set(tuyau_documented "${TUYAU_INCLUDE_DIR}/tuyau")
configure_file(cmake/Doxyfile.in "${PROJECT_BINARY_DIR}/docs/Doxyfile" @ONLY)
add_custom_target(docs
    COMMAND "${TUYAU_DOXYGEN}" "${PROJECT_BINARY_DIR}/docs/Doxyfile"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Reference documentation in ${PROJECT_BINARY_DIR}/docs/html/index.html"
    VERBATIM)

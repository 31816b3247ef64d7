# SPDX-License-Identifier: Apache-2.0
# The four kinds of target this project has, and the warnings they share.

add_library(lab_warnings INTERFACE)
target_compile_options(lab_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  $<$<BOOL:${LAB_WERROR}>:-Werror>)

# lab_library(NAME SOURCES... [PUBLIC libs...] [PRIVATE libs...])
# One module of the runner; includes are written from the project's root.
function(lab_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC}
    PRIVATE lab_warnings ${ARG_PRIVATE})
endfunction()

# lab_uses_json(TARGET): with the precompiled header of runner/base/json_pch.h.
function(lab_uses_json target)
  target_link_libraries(${target} PUBLIC lab_json)
  target_precompile_headers(${target} REUSE_FROM lab_json_pch)
endfunction()

# lab_suite(NAME SOURCES...): a suite is one GoogleTest executable, suite-NAME.
function(lab_suite name)
  add_executable(suite-${name} ${ARGN})
  target_link_libraries(suite-${name} PRIVATE lab_suite_support lab_warnings)
  target_precompile_headers(suite-${name} REUSE_FROM lab_json_pch)
  set_target_properties(suite-${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/suites)
endfunction()

# lab_probe(NAME SOURCE): a small static program that runs in a pod or on a
# node. Built alike everywhere (no paths, no build id), because the node image
# is keyed by the probes' bytes.
function(lab_probe name)
  add_executable(probe-${name} ${ARGN})
  target_compile_options(probe-${name} PRIVATE -Os -g0
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -fno-ident)
  target_link_options(probe-${name} PRIVATE -static -s -Wl,--build-id=none)
  target_link_libraries(probe-${name} PRIVATE lab_warnings)
  set_target_properties(probe-${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/probes)
endfunction()

# lab_test(NAME SOURCES... LIBS libs...): tests of the project itself.
function(lab_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/main.cc ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE
    LAB_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LAB_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} lab_process GTest::gtest
    GTest::gmock lab_warnings)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# lab_unit_tests(LIB SOURCES...): the tests of one module. They all end up in
# one executable (tests/CMakeLists.txt), and need no root, network or lab.
function(lab_unit_tests lib)
  foreach(source ${ARGN})
    set_property(GLOBAL APPEND PROPERTY LAB_UNIT_SOURCES
      ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY LAB_UNIT_LIBS ${lib})
endfunction()

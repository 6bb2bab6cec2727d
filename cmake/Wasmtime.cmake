# Finds the Wasmtime static library that tools/wasmtime-build keeps outside the checkout. Its path depends on version, features and compiler.
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/wasmtime-build --print-dir OUTPUT_VARIABLE LC_WASMTIME_DIR OUTPUT_STRIP_TRAILING_WHITESPACE
                RESULT_VARIABLE wasmtime_result)
if(NOT wasmtime_result EQUAL 0 OR NOT EXISTS ${LC_WASMTIME_DIR}/lib/liblightcone_wasmtime.a)
  message(FATAL_ERROR "Wasmtime is not built yet. Run `make setup` (or tools/wasmtime-build) first; it is kept in ${LC_WASMTIME_DIR}.")
endif()
add_library(wasmtime STATIC IMPORTED)
set_target_properties(wasmtime PROPERTIES IMPORTED_LOCATION ${LC_WASMTIME_DIR}/lib/liblightcone_wasmtime.a
                      INTERFACE_INCLUDE_DIRECTORIES ${LC_WASMTIME_DIR}/include)
target_link_libraries(wasmtime INTERFACE Threads::Threads dl m)
target_link_options(wasmtime INTERFACE -Wl,--gc-sections)

# What the build needs, and one message that says how to get it.

set(INSTALL_HINT "\
  Debian, Ubuntu:  apt-get install g++ libhwy-dev
  macOS:           xcode-select --install; brew install highway
  conda:           conda install -c conda-forge cxx-compiler libhwy
  vcpkg:           vcpkg install highway  (with Visual Studio 2022's C++ tools, and
                   CMAKE_TOOLCHAIN_FILE=.../vcpkg/scripts/buildsystems/vcpkg.cmake)
")

function(stop_for_want_of WANTED FOUND)
  message(FATAL_ERROR "halfwave needs ${WANTED}; CMake found ${FOUND}. Install it with\n"
                      "${INSTALL_HINT}")
endfunction()

include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
  unset(CMAKE_CXX_COMPILER CACHE)  # or the next run would not look again
  stop_for_want_of("a C++17 compiler" "none")
endif()
enable_language(CXX)
if(NOT "cxx_std_17" IN_LIST CMAKE_CXX_COMPILE_FEATURES)
  stop_for_want_of("a C++17 compiler" "only ${CMAKE_CXX_COMPILER}, which is too old")
endif()

find_package(hwy 1.0.3 CONFIG QUIET)
if(NOT TARGET hwy::hwy)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(hwy QUIET IMPORTED_TARGET libhwy>=1.0.3)
  endif()
  if(TARGET PkgConfig::hwy)
    add_library(hwy::hwy ALIAS PkgConfig::hwy)
  elseif(hwy_CONSIDERED_VERSIONS)
    stop_for_want_of("Highway 1.0.3 or newer" "only ${hwy_CONSIDERED_VERSIONS}")
  else()
    stop_for_want_of("Highway 1.0.3 or newer, a SIMD library" "none")
  endif()
endif()

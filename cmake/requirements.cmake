# What the build needs, and one message that says how to get it.

set(INSTALL_HINT "\
  Debian, Ubuntu:  apt-get install g++ libhwy-dev
  macOS:           xcode-select --install; brew install highway
  conda:           conda install -c conda-forge cxx-compiler libhwy
  vcpkg:           vcpkg install highway  (with Visual Studio 2022's C++ tools)
")

include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
  message(FATAL_ERROR "halfwave needs a C++17 compiler, and CMake found none. Install it with\n"
                      "${INSTALL_HINT}")
endif()
enable_language(CXX)
if(NOT "cxx_std_17" IN_LIST CMAKE_CXX_COMPILE_FEATURES)
  message(FATAL_ERROR "halfwave needs a C++17 compiler, and ${CMAKE_CXX_COMPILER} is too old. "
                      "Install a newer one with\n${INSTALL_HINT}")
endif()

find_package(hwy 1.0.3 CONFIG QUIET)
if(NOT TARGET hwy::hwy)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(hwy QUIET IMPORTED_TARGET libhwy>=1.0.3)
  endif()
  if(TARGET PkgConfig::hwy)
    add_library(hwy::hwy ALIAS PkgConfig::hwy)
  else()
    message(FATAL_ERROR "halfwave needs Highway 1.0.3 or newer (the SIMD library), and CMake found "
                        "none. Install it with\n${INSTALL_HINT}")
  endif()
endif()

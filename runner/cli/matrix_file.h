// SPDX-License-Identifier: Apache-2.0
// matrices/NAME.yaml: the combinations in which a suite is run. Format:
// docs/matrix.md, and for editors matrices/schema.json. Errors are of
// ErrorKind::kUsage and read "FILE:LINE: message".
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// One lab and the cases to run in it. An empty text is the default of the
/// option of the same name.
struct Combination {
  std::string name;  ///< unique in its file, fit for a directory
  std::string kubernetes;
  std::string node_os;
  std::string runtime;
  std::string config;  ///< below the project's root, or absolute
  std::string accel;
  std::string filter;
  int line = 1;  ///< of the file
};

struct MatrixFile {
  Path path;
  std::string name;  ///< "nightly"
  std::string about;
  std::string sha256;  ///< of the file's text
  std::vector<Combination> combinations;
};

/// A field of a combination other than its name.
struct MatrixAxis {
  const char* name;  ///< as the file spells it
  std::string Combination::*value;
};

/// In the order in which they make up a name, and in which a product counts:
/// the last runs fastest.
const std::vector<MatrixAxis>& MatrixAxes();

/// `path` names the file in errors and gives the matrix its name.
Result<MatrixFile> ParseMatrix(const std::string& text, const Path& path);

/// `matrix` is a name ("nightly") or the path of a file, which has a slash or
/// ends in ".yaml". An unknown name is an error that lists those of `home`.
Result<MatrixFile> LoadMatrix(const Path& home, const std::string& matrix);

}  // namespace lab

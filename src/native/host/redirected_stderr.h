// Captures what libraries write to C's stderr, such as libjpeg's warnings, which do not name the image.
#pragma once

#include <string>

namespace pefd {

// Captures what this thread writes to C's stderr from here on. Other threads are not affected.
void redirectStderr();

// Ends that. Returns what was captured.
std::string takeStderr();

}  // namespace pefd

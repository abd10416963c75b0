// What libraries write to C's stderr, such as libjpeg's warnings, which do not say of which image they speak.
#ifndef PEFD_HOST_DIVERTED_WORDS_H
#define PEFD_HOST_DIVERTED_WORDS_H

#include <string>

namespace pefd {

// From here on keeps what this thread writes to C's stderr. What other threads write goes where it went before.
void divertWords();

// Ends that. Returns what was kept.
std::string takeWords();

}  // namespace pefd

#endif

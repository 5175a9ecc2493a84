#pragma once
// What is told of records whose stored rows say that what they name was not had (store/named_records). Pure.

#include <string>

#include "store/named_records.h"

namespace surveysync::sync {

/// For run_stream.error and people; empty where there are none.
std::string unfetched_text(const std::string& source, const store::Unfetched& unfetched);

}  // namespace surveysync::sync

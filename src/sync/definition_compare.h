#pragma once
// Compares the definitions of one partition (a stream whose page holds the whole partition): keys and hashes of all its
// tables but the partition's own row, which changes with every response. A difference is told when it shows twice.
// One thread. Throws Error for what makes the comparison impossible.

#include "sync/deep_compare.h"

namespace surveysync::sync {

/// Adds the differences to `verdict`, named "question:8611799/5".
void compare_definitions(const DeepCompare::Context& context, StoreDoor& door, PartitionVerdict& verdict);

}  // namespace surveysync::sync

#pragma once
// The two envelopes of v5 lists (paged by the database: total_count a string, page numbers echoed; structure lists:
// everything at once, integers) and what faults do to the records inside. Pure.

#include <string>
#include <vector>

#include "sandbox/faults.h"
#include "sandbox/query.h"

namespace surveysync::sandbox {

/// What the client asked for, and how the reply must echo it.
struct Paging {
  std::int64_t page = 1, size = 50;
  std::string page_echo, size_echo;  ///< JSON
  bool valid = true;
  std::size_t first() const { return static_cast<std::size_t>((page - 1) * size); }
};
Paging read_paging(const Query& query, int cap);
/// `paging` under a cap-page fault (null: none): smaller pages, and an echo of the size used or, `echo=asked`, of the
/// size asked for.
Paging capped(Paging paging, const Fault* cap);

/// [record,record,...]
std::string joined(const std::vector<std::string>& records);

/// A page of a database list. `records` are JSON objects.
std::string paged_envelope(const Paging& paging, std::int64_t total, const std::vector<std::string>& records,
                           const std::vector<Fault>& faults);
/// A structure list: all rows, counts as integers.
std::string structure_envelope(const std::vector<std::string>& records);
/// {"result_ok":true,"data":...}
std::string single_envelope(std::string_view object);

/// Spoils records as null-rows, bad-record, bad-utf8, lone-surrogate and deep-nesting ask for.
void spoil_records(std::vector<std::string>& records, const std::vector<Fault>& faults);

}  // namespace surveysync::sandbox

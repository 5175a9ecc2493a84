#pragma once
// One change to the account, as POST /change, /between and /chaos name it and as live changes draw it, and what it
// touched. Values; any thread.

#include <optional>
#include <string>
#include <vector>

#include "sandbox/model.h"

namespace surveysync::sandbox {

/// What became of a survey. Its responses are listed only while it lives.
enum class SurveyFate : std::uint8_t {
  alive,
  listed,    ///< the list and the survey itself say "Deleted"
  vanished,  ///< not in the list; the survey itself says "Deleted"
  absent,    ///< not in the list; 404
  null,      ///< not in the list; data null
};

struct Change {
  enum class Op : std::uint8_t {
    insert,
    complete,
    edit,
    remove,
    restore,
    disqualify,
    late,
    edit_definition,
    add_survey,
    remove_survey,
    restore_survey,
  };
  Op op = Op::insert;
  std::int64_t survey = 0;    ///< 0: any
  std::int64_t response = 0;  ///< 0: any that fits
  std::int64_t count = 1;     ///< responses touched; the responses of an added survey
  int percent = 0;            ///< of the listed responses, instead of count
  Status status = Status::complete;
  bool silent = false;  ///< date_updated stays
  bool test = false;
  Seconds spread = 0;                    ///< inserts are spread over so long before now
  Seconds age = 3 * 86400;               ///< of a late response
  std::optional<Seconds> lag;            ///< until lists show it; empty: the account's
  SurveyFate fate = SurveyFate::listed;  ///< of a removed survey
};

/// What a change touched; survey 0 when nothing fitted.
struct Changed {
  std::int64_t survey = 0;
  std::vector<std::int64_t> responses;
};

/// What can be changed that way.
class Changeable {
 public:
  virtual ~Changeable() = default;
  virtual Changed apply(const Change& change, Seconds now) = 0;
};

/// As README.md lists it.
std::string op_name(Change::Op op);

}  // namespace surveysync::sandbox

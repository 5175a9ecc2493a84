#pragma once
// Everything that Alchemer has beside surveys' definitions and responses (vendor-api.md 1.7, 1.13), as a table of
// kinds: where a kind's list lies, what encloses it, which fields become which columns. What reads, keys and decodes
// them is the same code for all. Constants only; any thread.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace surveysync::sources::alchemer {

/// How a field becomes a cell. What does not fit leaves NULL with a notice or a flag.
enum class As : std::uint8_t {
  text,       ///< as sent, "" too
  integer,    ///< "1,500", "" and false (none) too
  number,     ///< the same with a fraction
  boolean,    ///< true, "True", "0"
  date,       ///< the account's clock where it has no zone; "" and "N/A" are none
  structure,  ///< jsonb, the bytes as sent
};

/// One column beyond the key.
struct ObjectField {
  std::string_view name;  ///< the vendor's
  As as = As::text;
  std::string_view column = {};  ///< where it is not the vendor's own name
  std::string_view also = {};    ///< another name that the vendor has for it; what is not blank counts
  std::string_view column_name() const { return column.empty() ? name : column; }
};

/// How a list comes.
enum class Listing : std::uint8_t {
  paged,    ///< page by page
  unpaged,  ///< all at once, as a list or by id
  single,   ///< one object and no list
};

/// One kind of object: a stream and its table.
struct ObjectKind {
  std::string_view stream;  ///< also the table; its id column is `<stream>_id`
  std::string_view path;    ///< below /v5/, {} for the ids of its parents: "contactlist/{}/contactlistcontact"
  Listing listing = Listing::paged;
  std::string_view member = "data";  ///< that holds the list
  std::string_view parent = {};      ///< the stream whose rows have such lists, below the survey or the account
  bool of_survey = false;            ///< a partition for each survey
  bool large = false;                ///< read page by page, and only where the configuration names it
  bool of_people = false;            ///< the rule of "contacts" applies
  bool may_refuse = false;           ///< result_ok false says that there are none
  bool hides = false;                ///< the list leaves out what still exists: a missing one is asked for alone
  bool alone = true;                 ///< has a single GET whose object is that of the list
  std::string_view others = {};      ///< column for fields with names of the account's own; empty: they are news
  std::span<const ObjectField> fields = {};
};

/// All kinds that are read as lists.
std::span<const ObjectKind> object_kinds();
/// By stream name; null when it is none of them.
const ObjectKind* object_kind(std::string_view stream);

/// The stream of files that respondents uploaded: read by name.
inline constexpr std::string_view kFileStream = "response_file";

/// "/v5/survey/8/surveycampaign/12/emailmessage": the list of `kind` below `parents` (outermost first).
std::string object_path(const ObjectKind& kind, std::span<const model::KeyPart> parents);

/// The columns of a kind's key, outermost first, after source.
std::vector<model::Column> object_key(const ObjectKind& kind);

/// Streams of all kinds, and of response files.
std::vector<model::StreamSpec> object_specs();

}  // namespace surveysync::sources::alchemer

// Ledger: what is kept out, and the key by which persons are known who were erased.
#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/fenced.h"
#include "store/ledger.h"

namespace surveysync::store {
namespace {

constexpr const char* kExclusions =
    "SELECT digest, kind, present, key_fingerprint FROM surveysync.erasure WHERE source = $1 AND stream = $2 AND "
    "partition = $3 UNION ALL SELECT digest, kind, present, key_fingerprint FROM surveysync.erasure WHERE source = $1 "
    "AND stream = '' AND partition = ''";
constexpr const char* kShown =
    "UPDATE surveysync.erasure SET present = true WHERE source = $1 AND stream = $2 AND partition = $3 AND digest = $4 "
    "AND kind = 'erasure'";

Error other_key(const std::string& source, const std::string& what, const std::string& wanted,
                const std::string& given) {
  return Error(ErrorKind::config,
               fmt::format("source {}: {} by the privacy key {}, and this host has {}", source, what, wanted,
                           given.empty() ? std::string("none") : "the key " + given),
               "all hosts share one key: copy privacy.key from the state directory of the other one, or name it in "
               "[privacy] key");
}

}  // namespace

Exclusions Ledger::exclusions(const std::string& source, const std::string& stream, const std::string& partition) {
  const std::vector<pg::Param> params = {pg::text(source), pg::text(stream), pg::text(partition)};
  const pg::Result rows = connection_.execute(kExclusions, params);
  Exclusions found;
  std::shared_ptr<const KeyedDigest> digest;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string_view bytes = rows.bytes(row, 0);
    model::Hash hash;
    if (bytes.size() != hash.size()) continue;
    std::ranges::transform(bytes, hash.begin(), [](char byte) { return static_cast<std::uint8_t>(byte); });
    const std::string kind = rows.text(row, 1);
    if (kind == "drop") {
      found.add_dropped(hash);
      continue;
    }
    if (!digest && digest_) digest = digest_();
    const std::string wanted = rows.text(row, 3);
    if (!digest || digest->fingerprint() != wanted)
      throw other_key(source, "what was erased is known", wanted, digest ? digest->fingerprint() : "");
    if (kind == "person") {
      found.add_person(hash);
    } else {
      found.add_erased(hash, rows.boolean(row, 2));
    }
  }
  found.use(std::move(digest));
  return found;
}

void Ledger::note_shown(const Fence& fence, const std::string& stream, const std::string& partition,
                        const std::vector<model::Hash>& shown) {
  if (shown.empty()) return;
  std::vector<pg::Statement> statements;
  for (const model::Hash& digest : shown) {
    statements.push_back({kShown,
                          {pg::text(fence.source), pg::text(stream), pg::text(partition),
                           pg::bytea({reinterpret_cast<const char*>(digest.data()), digest.size()})}});
  }
  write_fenced(connection_, fence, std::move(statements));
}

void Ledger::require_privacy_key(const std::string& source, const std::string& fingerprint) {
  for (const model::Capability& known : capabilities(source)) {
    if (known.name == kPrivacyKey && known.value != fingerprint)
      throw other_key(source, "stored values were hashed", known.value, fingerprint);
  }
  const std::vector<pg::Param> params = {pg::text(source), pg::text(fingerprint)};
  const pg::Result others = connection_.execute(
      "SELECT key_fingerprint FROM surveysync.erasure WHERE source = $1 AND key_fingerprint <> $2 LIMIT 1", params);
  if (others.rows() > 0) throw other_key(source, "what was erased is known", others.text(0, 0), fingerprint);
}

}  // namespace surveysync::store

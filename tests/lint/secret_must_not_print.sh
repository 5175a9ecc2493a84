#!/bin/bash
# A Secret cannot be logged, streamed or copied to a string: each of these programs must not compile, and the one without misuse must.
# Usage: secret_must_not_print.sh SOURCE_DIR CXX
set -u
source_dir=$1
compiler=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# What every case includes, compiled once.
cat > "$scratch/prelude.h" <<'PROGRAM'
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <spdlog/spdlog.h>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>
#include "base/event.h"
#include "base/secret.h"
PROGRAM
flags=(-std=c++20 -DSPDLOG_FMT_EXTERNAL -I"$source_dir/src")
"$compiler" "${flags[@]}" -x c++-header "$scratch/prelude.h" -o "$scratch/prelude.h.gch" || exit 1

# compiles NAME BODY: whether a function with this body compiles.
compiles() {
  echo "void misuse(const surveysync::Secret& secret) { $2 }" > "$scratch/$1.cpp"
  "$compiler" "${flags[@]}" -fsyntax-only -include "$scratch/prelude.h" "$scratch/$1.cpp" 2> "$scratch/$1.log"
}

must_compile() {
  if ! compiles "$1" "$2"; then
    echo "$1: does not compile, so the other cases prove nothing:"
    head -20 "$scratch/$1.log"
    failures=$((failures + 1))
  fi
}

must_not_compile() {
  if compiles "$1" "$2"; then
    echo "$1: compiles, but must not: $2"
    failures=$((failures + 1))
  fi
}

must_compile proper_use 'spdlog::info("{}", secret.expose().size());'
must_compile proper_streams 'std::ostringstream out; out << secret.empty(); std::cout << out.str();'
must_compile proper_texts 'std::string text = "a"; text += "b"; std::vector<std::string> all{text}; (void)fmt::format("{}", fmt::join(all, ",")); (void)secret;'
must_compile proper_credential 'surveysync::Credential one, other; other = std::move(one); spdlog::get("x")->error("{}", other.fingerprint); (void)secret;'
must_compile proper_note 'surveysync::event::Note note{{}, surveysync::Severity::info, "text"}; (void)note; (void)secret;'
must_not_compile logged 'spdlog::info("{}", secret);'
must_not_compile streamed 'std::cout << secret;'
must_not_compile formatted '(void)fmt::format("{}", secret);'
must_not_compile made_string 'std::string text = secret; (void)text;'
must_not_compile constructed_string 'std::string text(secret); (void)text;'
must_not_compile viewed 'std::string_view text = secret; (void)text;'
must_not_compile assigned_string 'std::string text; text = secret; (void)text;'
must_not_compile appended 'std::string text; text += secret; (void)text;'
must_not_compile joined 'std::vector<const surveysync::Secret*> all{&secret}; (void)fmt::format("{}", fmt::join(all, ","));'
must_not_compile pointed_at '(void)fmt::format("{}", &secret);'
must_not_compile logged_as_error 'spdlog::get("x")->error("{}", secret);'
must_not_compile streamed_to_text 'std::ostringstream out; out << secret;'
must_not_compile credential_logged 'surveysync::Credential credential; spdlog::info("{}", credential); (void)secret;'
must_not_compile credential_copied 'surveysync::Credential one, other; other = one; (void)secret;'
must_not_compile event_note 'surveysync::event::Note note{{}, surveysync::Severity::info, secret}; (void)note;'
must_not_compile copied 'surveysync::Secret other = secret; (void)other;'
exit "$((failures > 0))"

#pragma once
// Strings that cannot be printed, where they are read from, and the net that catches them in text all the same.
// Secret has no stream operator, no formatter and no conversion to string: logging one does not compile (tests/lint).
// Throws Error(config) for a reference or file that cannot be used; the message names the reference, never the content.

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace surveysync {

/// One secret value. Copies are deliberate (`clone`); the bytes are overwritten on destruction.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret clone() const { return Secret(value_); }
  /// The bytes. Only signers and doors may call this (lint).
  std::string_view expose() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret& other) const { return value_ == other.value_; }

 private:
  std::string value_;
};

/// The lines of one secret file (an API key pair is two lines), with what identifies it safely.
struct Credential {
  std::vector<Secret> lines;
  std::string fingerprint;                     ///< first 8 hex digits of SHA-256 over the trimmed lines joined by '\n'
  std::vector<std::string> warnings;           ///< "byte-order mark trimmed", ...
  std::vector<std::string> line_fingerprints;  ///< the same of each line alone: tells which half of a pair changed
};

/// One credential of the lines of both, with its own fingerprint: changed when either part is.
Credential joined(Credential first, Credential second);

/// "file:/path", "credential:NAME", "env:NAME", "exec:COMMAND": where a secret is read from.
class SecretReference {
 public:
  /// Throws Error(config) when the text has none of the four forms.
  static SecretReference parse(std::string_view text);

  /// Reads it now. `lines` is how many non-empty lines it must have. Refuses a file that group or world can read,
  /// control characters inside a line, an empty or half-written file; trims a byte-order mark, quotes, blanks and
  /// trailing newlines with a warning. env: is read once, overwritten and unset in the process environment; exec: runs
  /// without a shell.
  Credential read(std::size_t lines) const;

  /// The reference as configured: safe to print.
  const std::string& display() const { return display_; }
  /// The path of a file: reference, whose content may change at any time; empty for the others.
  std::string watched_path() const { return form_ == Form::file ? target_ : std::string(); }

 private:
  enum class Form { file, credential, env, exec };
  SecretReference(Form form, std::string target, std::string display);
  std::string load() const;
  Form form_;
  std::string target_, display_;
};

/// Replaces every known secret in a text, in plain, percent-encoded and base64 form, by "***". Thread-safe.
class Masker {
 public:
  /// Values shorter than 6 bytes are ignored: they would mask ordinary words.
  void add(const Secret& secret);
  void add(const Credential& credential);
  std::string mask(std::string text) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> needles_;
};

/// First 8 hex digits of SHA-256.
std::string fingerprint(std::string_view bytes);

}  // namespace surveysync

#pragma once
// Second opinions, written without a look at the product's code: strict JSON (RFC 8259), well-formed UTF-8 (Unicode
// table 3-7), decimal numbers. Slow and simple. Pure; nothing is thrown.

#include <optional>
#include <string>
#include <string_view>

namespace surveysync::fuzz {

/// Whether `text` is well-formed UTF-8.
bool is_sound_utf8(std::string_view text);
/// Whether `text` can be a text column's value: UTF-8 without NUL.
bool is_storable_text(std::string_view text);
/// Whether `text` is one JSON value by the letter of RFC 8259, of sound UTF-8 and nested at most `depth` deep.
bool is_strict_json(std::string_view text, int depth);
/// The value of a decimal token without an exponent: "-12.50" for "-1250e-2", "0.00" for "-0.00". Empty when the text
/// is none (sign, digits, one point, exponent), or its exponent is beyond `most`.
std::optional<std::string> plain_decimal(std::string_view token, int most);

}  // namespace surveysync::fuzz

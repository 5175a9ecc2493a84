#include "sources/alchemer/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "sources/alchemer/text_entities.h"

namespace surveysync::sources::alchemer {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  return text.size() >= lower_prefix.size() &&
         std::ranges::equal(text.substr(0, lower_prefix.size()), lower_prefix, {}, lower);
}

constexpr std::array<std::string_view, 30> kSeparating = {
    "br",    "p",     "div",     "li",      "ul",     "ol",     "dl",      "dt",    "dd",  "td",
    "th",    "tr",    "table",   "hr",      "h1",     "h2",     "h3",      "h4",    "h5",  "h6",
    "tbody", "thead", "section", "article", "header", "footer", "caption", "aside", "pre", "option"};

/// Reads HTML from left to right into plain text.
class Stripper {
 public:
  explicit Stripper(std::string_view html) : html_(html) { out_.reserve(html.size()); }

  std::string run() {
    while (at_ < html_.size()) {
      const char c = html_[at_];
      if (c == '<' && skip_markup()) continue;
      if (c == '&' && take_entity()) continue;
      put(html_.substr(at_, 1));
      ++at_;
    }
    return std::move(out_);
  }

 private:
  void put(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == ' ' || (c >= '\t' && c <= '\r')) {
        blank_ = true;
        continue;
      }
      if (blank_ && !out_.empty()) out_ += ' ';
      blank_ = false;
      out_ += c;
      // A no-break space is white space too; its two bytes have just come together.
      if (out_.ends_with("\xC2\xA0")) {
        out_.resize(out_.size() - 2);
        if (out_.ends_with(' ')) out_.pop_back();
        blank_ = true;
      }
    }
  }

  /// Steps over a comment, declaration or tag that begins here; false when there is none.
  bool skip_markup() {
    const std::string_view rest = html_.substr(at_);
    if (rest.starts_with("<!--")) return skip_past("-->");
    if (rest.starts_with("<!") || rest.starts_with("<?")) return skip_past(">");
    const std::size_t name_at = rest.starts_with("</") ? 2 : 1;
    if (name_at >= rest.size() || !is_letter(rest[name_at])) return false;
    const std::optional<std::size_t> end = tag_end(rest);
    if (!end) return false;
    std::size_t name_end = name_at;
    while (name_end < rest.size() && (is_letter(rest[name_end]) || is_digit(rest[name_end])))
      ++name_end;
    std::string name(rest.substr(name_at, name_end - name_at));
    std::ranges::transform(name, name.begin(), lower);
    if (std::ranges::find(kSeparating, name) != kSeparating.end()) blank_ = true;
    at_ += *end;
    if (name_at == 1 && (name == "script" || name == "style")) skip_content(name);
    return true;
  }

  /// Behind the '>' that closes the tag at the front; quoted attribute values may hold others.
  static std::optional<std::size_t> tag_end(std::string_view tag) {
    char quote = '\0';
    for (std::size_t i = 1; i < tag.size(); ++i) {
      const char c = tag[i];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '>') {
        return i + 1;
      } else if ((c == '"' || c == '\'') && tag[i - 1] == '=') {
        quote = c;
      }
    }
    const std::size_t plain = tag.find('>');  // an unclosed quote: the first '>' ends the tag
    return plain == std::string_view::npos ? std::nullopt : std::optional(plain + 1);
  }

  bool skip_past(std::string_view end) {
    const std::size_t found = html_.find(end, at_);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
    return true;
  }

  void skip_content(const std::string& name) {
    const std::string closing = "</" + name;
    while (at_ < html_.size() && !starts_with_ignoring_case(html_.substr(at_), closing))
      ++at_;
  }

  bool take_entity() {
    std::size_t size = 0;
    const std::string text = resolve_entity(html_.substr(at_), size);
    if (size == 0) return false;
    put(text);
    at_ += size;
    return true;
  }

  std::string_view html_;
  std::size_t at_ = 0;
  std::string out_;
  bool blank_ = false;
};

}  // namespace

std::string plain_text(std::string_view html) {
  return Stripper(html).run();
}

std::string title_text(json::Value title, std::string_view language) {
  if (!title.is_object()) {
    if (title.is_array() && title.size() > 0) return plain_text(title.items().front().text());
    return plain_text(title.text());
  }
  for (const std::string_view wanted : {language, std::string_view("English")}) {
    if (wanted.empty()) continue;
    if (std::string text = plain_text(title[wanted].text()); !text.empty()) return text;
  }
  for (const json::Member& member : title.members()) {
    if (std::string text = plain_text(member.value.text()); !text.empty()) return text;
  }
  return {};
}

}  // namespace surveysync::sources::alchemer

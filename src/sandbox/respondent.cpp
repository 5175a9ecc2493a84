#include "sandbox/respondent.h"

#include <fmt/format.h>

#include "sandbox/phrases.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

void add_url_variables(Response& out, Draw& draw) {
  static constexpr UrlForm kForms[] = {UrlForm::empty_array, UrlForm::plain, UrlForm::key_value_type,
                                       UrlForm::value_only};
  out.url_form = draw.pick(kForms);
  if (out.url_form == UrlForm::empty_array) return;
  out.url_variables.emplace_back("utm_source", fmt::format("mail/{}", draw.below(5)));
  if (draw.chance(500)) out.url_variables.emplace_back("snc", fmt::format("{}_{}", out.row.started, draw.hex(13)));
  if (draw.chance(300)) out.url_variables.emplace_back("ciudad", "Bogot\xC3\xA1");
}

std::string draw_data_quality(Draw& draw, const Row& row) {
  switch (draw.below(5)) {
    case 0:
      return "[]";
    case 1:
      return R"({"opentext.gibberish":true})";
    case 2:
      return R"({"checkbox":{"one":{"4":1},"all":[]},"straightlining":[]})";
    case 3:
      return fmt::format(
          R"({{"checkbox":[],"opentext":{{"gibberish":{{"{}":1}},"badwords":[],"onewordrequiredessay":{{"7":2}}}},"straightlining":{{"12":3}}}})",
          row.id % 9 + 2);
    default:
      return R"({"checkbox":{"one":[],"all":[]},"opentext":{"gibberish":[],"badwords":[],"onewordrequiredessay":[]},"straightlining":[]})";
  }
}

void add_place(Response& out, Draw& draw) {
  out.ip_address = fmt::format("203.0.113.{}", draw.below(254) + 1);
  out.user_agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
  static const std::optional<std::string> kReferers[] = {"https://example.org/start?x=1", "", std::nullopt};
  out.referer = draw.pick(kReferers);
  switch (draw.below(4)) {
    case 0:  // no geography
      out.country = out.region = out.city = out.postal = out.latitude = out.longitude = "";
      out.dma = "0";
      return;
    case 1:  // the European shape
      out.country = "Germany";
      out.region = "";
      out.city = "M\xC3\xBCnchen";
      out.postal = "80331";
      return;
    default:
      out.country = "United States";
      out.region = "NY";
      out.city = "New York";
      out.postal = fmt::format("{:05}", 10001 + draw.below(90));
      out.latitude = fmt::format("40.{:06}", draw.below(1000000));
      out.longitude = fmt::format("-73.{:06}", draw.below(1000000));
      out.dma = "501";
  }
}

}  // namespace

std::string chosen_language(std::uint64_t seed, const SurveyDef& survey, const Row& row) {
  return Draw({seed, 0x1A6, u64(survey.id), u64(row.id)}).pick(survey.languages);
}

Response make_response(std::uint64_t seed, const SurveyDef& survey, const Row& row, Seconds anchor) {
  Draw draw({seed, 0x0E5, u64(survey.id), u64(row.id)});
  Response out;
  out.row = row;
  const Seconds told = row.started + (draw.chance(30) ? 1 + draw.below(3) : 0);
  out.session_id = fmt::format("{}_{}.{:08}{}", told, draw.hex(14), draw.below(100000000), row.test ? "_test" : "");
  out.language = chosen_language(seed, survey, row);
  if (!draw.chance(100)) out.link_id = fmt::format("{}", 9000000 + draw.below(3));
  if (draw.chance(250)) out.contact_id = fmt::format("{}", 100000000 + draw.below(50000));
  add_url_variables(out, draw);
  out.data_quality = draw_data_quality(draw, row);
  add_place(out, draw);
  if (draw.chance(150)) out.comments = "<p>Called back &amp; solved</p>\nby \xC3\x85sa";
  if (row.edits > 0) out.comments = fmt::format("edited {} times", row.edits);
  if (!row.without_answers && !draw.chance(80)) out.response_time = row.submitted - row.started + draw.below(3);
  out.nulls_sent = draw.chance(500);
  out.entries = make_entries(seed, survey, row, anchor);
  return out;
}

}  // namespace surveysync::sandbox

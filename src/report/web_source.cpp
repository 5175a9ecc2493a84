// The card of one source: pill, clocks, progress, keys, surveys.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "report/web_page.h"
#include "report/web_standing.h"
#include "report/web_style.h"
#include "report/web_table.h"
#include "report/web_words.h"

namespace surveysync::report {
namespace {

constexpr std::size_t kNoteBytes = 160;
constexpr std::size_t kOpenSurveys = 12;  // more are folded away while all is well

std::string pill(const Standing& standing) {
  return fmt::format(R"(<p class="pill {}">{}{}</p>)", name_of(standing.tone), icon(standing.icon),
                     html(standing.text));
}

std::string clock(std::string_view name, const std::optional<UtcTime>& time, UtcTime now,
                  std::string_view never = "never") {
  return fmt::format(R"(<div><dt>{}</dt><dd>{}{}</dd></div>)", name, time_element(time, now, never),
                     time ? fmt::format("<small>{}</small>", to_minute(*time).substr(0, 16)) : std::string());
}

std::string clocks(const FourClocks& four, UtcTime now) {
  return R"(<dl class="clocks">)" + clock("Last attempt", four.attempt, now) +
         clock("Last success", four.success, now) + clock("Last certified", four.certified, now) +
         clock("Newest change at the vendor", four.newest_change, now, "none seen") + "</dl>";
}

/// "2,041 responses in 12 surveys · next run in 5 h (scheduled)".
std::string lead(const StatusView& view, const SourceView& source) {
  std::vector<std::string> parts;
  if (source.stored > 0 || !source.surveys.empty())
    parts.push_back(fmt::format("{} records in {} {}", with_commas(source.stored),
                                with_commas(static_cast<std::int64_t>(source.surveys.size())),
                                source.surveys.size() == 1 ? "survey" : "surveys"));
  const bool waiting = progress_of(view, source.name) == nullptr && refused_verdict(view, source).empty();
  if (!source.worked_by.empty() && progress_of(view, source.name) == nullptr)
    parts.push_back("worked by " + html(source.worked_by));
  else if (source.next_run && waiting)
    parts.push_back(fmt::format("next run {} ({})",
                                *source.next_run <= view.at ? "now" : time_element(source.next_run, view.at),
                                html(source.next_reason)));
  else if (!source.next_run && source.configured && waiting)
    parts.emplace_back("runs when asked");
  if (!source.reads.empty()) parts.push_back("reads: " + html(source.reads));
  std::string text;
  for (const std::string& part : parts)
    text += (text.empty() ? "" : " · ") + part;
  return text.empty() ? "" : fmt::format(R"(<p class="meta">{}</p>)", text);
}

std::string progress(const ProgressView& run, UtcTime now) {
  const double share =
      run.expected > 0 ? std::min(1.0, static_cast<double>(run.records) / static_cast<double>(run.expected)) : 0;
  const auto percent = static_cast<int>(share * 100);
  std::string done = "reading what there is to do";
  if (run.planned) {
    done = fmt::format("{} of {} parts", with_commas(run.parts_done), with_commas(run.parts));
    done += run.expected > 0
                ? fmt::format(", {} of about {} records", with_commas(run.records), with_commas(run.expected))
                : fmt::format(", {} records", with_commas(run.records));
  }
  std::string text =
      fmt::format(R"(<div class="progress"><p><span><strong>Run {}</strong>, {}, for {}</span><span>{}</span></p>)",
                  run.run_id, html(run.kind), spoken_time(now - run.since), done);
  if (run.planned && run.expected > 0) {
    text += fmt::format(R"(<svg class="bar" role="img" aria-label="{0} percent of the expected records">)"
                        R"(<rect class="fill" width="{1:.1f}%" height="100%"/></svg>)",
                        percent, share * 100);
  }
  return text + "</div>";
}

std::string key_line(const KeyView& key, UtcTime now) {
  const std::string name = key.slot == "secret" ? "Key"
                           : key.slot == "next" ? "Key in reserve"
                                                : "Key “" + html(key.slot) + "”";
  const std::string fingerprint = "<code>" + html(key.fingerprint) + "</code>";
  if (!key.verdict.empty())
    return fmt::format(
        R"(<li><span class="bad">{}</span>{} {} is <strong class="bad">refused ({})</strong>{}</li>)", icon("bad"),
        name, fingerprint, html(key.verdict),
        key.refused_at ? ", since " + to_minute(*key.refused_at) + ", " + time_element(key.refused_at, now) : "");
  if (!key.last_good_at)
    return fmt::format(R"(<li><span class="idle">{}</span>{} {} has not been tried yet</li>)", icon("idle"), name,
                       fingerprint);
  return fmt::format(R"(<li><span class="ok">{}</span>{} {} accepted {}{}</li>)", icon("ok"), name, fingerprint,
                     time_element(key.last_good_at, now),
                     key.first_used_at ? ", first used " + time_element(key.first_used_at, now) : "");
}

std::string keys(const std::vector<KeyView>& all, UtcTime now) {
  if (all.empty()) return {};
  std::string text;
  for (const KeyView& key : all)
    text += key_line(key, now);
  return fmt::format(R"(<h3 class="hidden">Keys</h3><ul class="keys">{}</ul>)", text);
}

/// What needs a look first, then what changed last.
std::vector<const SurveyView*> in_order(const SourceView& source) {
  std::vector<const SurveyView*> order;
  for (const SurveyView& survey : source.surveys)
    order.push_back(&survey);
  const auto rank = [](const SurveyView& survey) {
    if (survey.proof == Proof::unbalanced) return 0;
    if (!survey.note.empty()) return 1;
    return survey.proof == Proof::not_followed || survey.proof == Proof::deleted ? 3 : 2;
  };
  std::ranges::stable_sort(order, [&](const SurveyView* a, const SurveyView* b) {
    return std::tuple(rank(*a), b->clocks.newest_change) < std::tuple(rank(*b), a->clocks.newest_change);
  });
  return order;
}

std::string survey_name(const SurveyView& survey) {
  if (survey.title.empty()) return html(survey.id);
  return html(survey.title) + "<small>" + html(survey.id) + "</small>";
}

std::string proof(Proof of, const std::string& note) {
  return state(standing_of(of)) +
         (note.empty() ? "" : fmt::format(R"(<small class="bad">{}</small>)", html(first_words(note, kNoteBytes))));
}

/// Lists of the account that are certified as a whole.
std::string lists_table(const SourceView& source, UtcTime now) {
  if (source.lists.empty()) return {};
  HtmlTable table("Lists of " + source.name, "stack",
                  {{"List"}, {"Certificate"}, {"Stored", true}, {"At the vendor", true}, {"Last certified"}});
  for (const ListView& list : source.lists)
    table.add({html(list.stream), proof(list.proof, ""), with_commas(list.stored), with_commas(list.vendor_total),
               time_element(list.certified, now)});
  return fmt::format(R"(<details open><summary>{} {}</summary>{}</details>)", source.lists.size(),
                     source.lists.size() == 1 ? "list" : "lists", table.text());
}

bool needs_a_look(const SurveyView& survey) {
  return survey.proof == Proof::unbalanced || !survey.note.empty();
}

std::string left_out(std::size_t surveys) {
  if (surveys <= kSurveysShown) return {};
  return fmt::format(
      R"(<p class="meta">{} more: <code>surveysync status</code> or <a href="/api/status">JSON</a> list them all.</p>)",
      with_commas(static_cast<std::int64_t>(surveys - kSurveysShown)));
}

std::string surveys_table(const SourceView& source, UtcTime now) {
  if (source.surveys.empty()) return {};
  HtmlTable table("Surveys of " + source.name, "stack",
                  {{"Survey"},
                   {"Certificate"},
                   {"Records", true},
                   {"Last attempt"},
                   {"Last success"},
                   {"Last certified"},
                   {"Newest change"}});
  const std::vector<const SurveyView*> order = in_order(source);
  for (std::size_t at = 0; at < std::min(order.size(), kSurveysShown); ++at) {
    const SurveyView& survey = *order[at];
    table.add({survey_name(survey), proof(survey.proof, survey.note),
               survey.proof == Proof::by_list ? "–" : with_commas(survey.stored),
               time_element(survey.clocks.attempt, now), time_element(survey.clocks.success, now),
               time_element(survey.clocks.certified, now),
               time_element(survey.clocks.newest_change, now, "none seen")});
  }
  const auto unwell = std::ranges::count_if(source.surveys, needs_a_look);
  const std::string said = unwell == 0 ? "" : fmt::format(", {} need{} a look", unwell, unwell == 1 ? "s" : "");
  const bool open = unwell > 0 || source.surveys.size() <= kOpenSurveys;
  return fmt::format("<details{}><summary>{} {}{}</summary>{}{}</details>", open ? " open" : "",
                     with_commas(static_cast<std::int64_t>(source.surveys.size())),
                     source.surveys.size() == 1 ? "survey" : "surveys", said, table.text(), left_out(order.size()));
}

}  // namespace

std::string source_card(const StatusView& view, const SourceView& source) {
  const ProgressView* const run = progress_of(view, source.name);
  return fmt::format(
      R"(<section class="card" aria-labelledby="source-{0}"><header><h2 id="source-{0}">{0}</h2>{1}</header>{2}{3}{4}{5}{6}{7}</section>)",
      html(source.name), pill(standing_of(view, source)), lead(view, source),
      run != nullptr ? progress(*run, view.at) : "", clocks(source.clocks, view.at), keys(source.keys, view.at),
      lists_table(source, view.at), surveys_table(source, view.at));
}

}  // namespace surveysync::report

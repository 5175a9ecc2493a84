#include "report/web_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/web_chart.h"
#include "report/web_standing.h"
#include "report/web_style.h"
#include "report/web_table.h"
#include "report/web_words.h"

namespace surveysync::report {
namespace {

constexpr int kFollow = 10;  // seconds, for whoever asks for it
constexpr std::size_t kErrorBytes = 200, kTroubleBytes = 600;

std::string head(const StatusView& view, const PageOptions& options, const Standing& standing) {
  // The mark first: it is what a narrow tab still shows.
  const std::string_view mark = standing.tone == Tone::ok     ? "✓"
                                : standing.tone == Tone::run  ? "↓"
                                : standing.tone == Tone::idle ? "·"
                                                              : "!";
  return fmt::format(
      R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">)"
      R"(<meta name="color-scheme" content="light dark">{}<title>{} {} – surveysync{}</title><link rel="icon" type="image/svg+xml" href="/icon.svg"><style>{}</style></head>
)",
      options.refresh_seconds > 0 ? fmt::format(R"(<meta http-equiv="refresh" content="{}">)", options.refresh_seconds)
                                  : "",
      mark, html(standing.text), view.host.empty() ? "" : " on " + html(view.host), style_sheet());
}

std::string top(const StatusView& view, const PageOptions& options) {
  const std::string follow =
      options.refresh_seconds > 0
          ? fmt::format(R"(renewed every {} s, <a href="/">stand still</a>)", options.refresh_seconds)
          : fmt::format(R"(<a href="/?refresh={0}">renew every {0} s</a>)", kFollow);
  // What the database said then; this moment may be later.
  const UtcTime of = view.database ? view.database->taken_at : view.at;
  const std::string exact = format_utc(std::chrono::floor<std::chrono::seconds>(of));
  return fmt::format(
      R"(<header class="top"><div class="wrap"><p class="brand"><svg class="i" aria-hidden="true" focusable="false"><use href="#mark"/></svg>surveysync</p>)"
      R"(<p>{}as of <time datetime="{}">{} UTC</time> · {}</p></div></header>)",
      view.host.empty() ? "" : html(view.host) + " · ", exact, exact.substr(11, 8), follow);
}

/// The sentence below the headline.
std::string subline(const StatusView& view) {
  if (!view.database)
    return view.trouble.empty() ? "Reading what the database knows." : "Nothing was read from it yet.";
  std::optional<UtcTime> certified, next;
  std::int64_t stored = 0;
  for (const SourceView& source : view.database->sources) {
    if (!source.configured) continue;
    stored += source.stored;
    if (source.clocks.certified && (!certified || *source.clocks.certified < *certified))
      certified = source.clocks.certified;
    if (source.next_run && refused_verdict(view, source).empty() && (!next || *source.next_run < *next))
      next = source.next_run;
  }
  std::string text =
      certified ? fmt::format("{} records, last certified {}", with_commas(stored), time_element(certified, view.at))
                : std::string("No certificate yet");
  if (next) text += *next <= view.at ? "; a run is due" : fmt::format("; next run {}", time_element(next, view.at));
  return text + ".";
}

std::string hero(const StatusView& view, const Standing& standing) {
  return fmt::format(R"(<div class="hero"><span class="mark {}">{}</span><div><h1>{}</h1><p>{}</p></div></div>)",
                     name_of(standing.tone), icon(standing.icon), html(standing.text), subline(view));
}

/// The database is away: what is shown is old, and how old.
std::string trouble(const StatusView& view) {
  if (view.trouble.empty()) return {};
  const std::string age = view.database
                              ? fmt::format("What is shown below is of {} ({}).", to_minute(view.database->taken_at),
                                            time_element(view.database->taken_at, view.at))
                              : std::string("There is nothing to show until it answers.");
  const std::string what = view.away ? "The database does not answer" : "The database cannot be read";
  return fmt::format(
      R"(<div class="notice warn" role="status"><p><strong>{}{}.</strong> {}{}</p><p class="quiet">{}</p></div>)", what,
      view.trouble_since ? fmt::format(" since {}", to_minute(*view.trouble_since)) : "", age,
      view.away ? " Loading waits for it and goes on by itself." : "", html(first_words(view.trouble, kTroubleBytes)));
}

/// "credentials_refused" to "credentials refused".
std::string rule_in_words(std::string rule) {
  std::ranges::replace(rule, '_', ' ');
  return rule;
}

/// A sentence, and the commands below it as they are typed.
std::string next_step(std::string_view step) {
  if (step.empty()) return {};
  std::size_t end = std::min(step.find('\n'), step.size());
  std::string text = fmt::format(R"(<p class="next"><b>Next step</b>{})", html(step.substr(0, end)));
  while (end < step.size()) {
    step.remove_prefix(end + 1);
    end = std::min(step.find('\n'), step.size());
    text += fmt::format("<code>{}</code>", html(step.substr(0, end)));
  }
  return text + "</p>";
}

std::string incident(const IncidentView& one, std::size_t number, UtcTime now) {
  const bool critical = one.severity == "critical" || one.severity == "error";
  const std::string verdict = one.verdict.empty() ? "" : fmt::format(" (<code>{}</code>)", html(one.verdict));
  return fmt::format(
      R"(<section class="card incident{}" aria-labelledby="incident-{}"><header><h2 id="incident-{}">{}{}</h2><p class="pill {}">{}{}</p></header>)"
      R"(<p class="meta">open {}, since {} · <code>{}</code></p><p>{}</p>{}</section>)",
      critical ? "" : " mild", number, number, one.source.empty() ? "" : html(one.source) + ": ",
      html(rule_in_words(one.rule)) + verdict, critical ? "bad" : "warn", icon("warn"), html(one.severity),
      spoken_time(now - one.opened_at), to_minute(one.opened_at), html(one.key), html(one.evidence),
      next_step(one.next_step));
}

std::string incidents(const StatusView& view) {
  std::string text;
  std::size_t number = 0;
  for (const IncidentView& one : open_incidents(view))
    text += incident(one, ++number, view.at);
  return text;
}

/// What all processes together do with the account, from surveysync.rate_budget.
std::string budget_state(const StatusView& view, const BudgetView& one) {
  if (one.resting_until && *one.resting_until > view.at)
    return fmt::format(" · <strong class=\"warn\">resting, the vendor asked for it: {} more</strong>",
                       spoken_time(*one.resting_until - view.at));
  const bool busy = one.booked_until && *one.booked_until > view.database->taken_at;
  return busy ? " · in use" : "";
}

std::string budget(const StatusView& view, const BudgetView& one) {
  std::int64_t calls = 0;
  for (const std::string& source : one.sources)
    if (const auto found = view.recent_calls.find(source); found != view.recent_calls.end()) calls += found->second;
  // The share of a minute, whatever the vendor's window is.
  const double minute =
      static_cast<double>(one.share) * 60e9 / static_cast<double>(std::max<std::int64_t>(1, one.window.count()));
  const double used = std::min(1.0, static_cast<double>(calls) / std::max(1.0, minute));
  return fmt::format(
      R"(<div class="budget"><p><span><strong>{0}</strong>{1}</span><span>{2} of {3} requests in the last minute</span></p>)"
      R"(<svg class="bar" role="img" aria-label="{2} of {3} requests in the last minute, {4} percent of our share"><rect class="fill calm" width="{5:.1f}%" height="100%"/></svg>)"
      R"(<p class="quiet">Counted in this process alone; the vendor allows the account {6} in {7}.</p></div>)",
      html(one.account), budget_state(view, one), with_commas(calls), with_commas(static_cast<std::int64_t>(minute)),
      static_cast<int>(used * 100), used * 100, with_commas(one.vendor_limit), spoken_time(one.window));
}

std::string budgets(const StatusView& view) {
  std::string text;
  for (const BudgetView& one : view.database->budgets)
    text += budget(view, one);
  if (text.empty()) return {};
  return R"(<section class="card" aria-labelledby="budget"><header><h2 id="budget">Request budget</h2></header>)" +
         text + "</section>";
}

/// "succeeded", with what went wrong below.
std::string outcome(const RunView& run) {
  const Standing standing = standing_of_outcome(run.outcome);
  std::string text = state(standing);
  if (run.counts.quarantined > 0)
    text += fmt::format("<small>{} in quarantine</small>", with_commas(run.counts.quarantined));
  if (!run.error.empty())
    text += fmt::format(R"(<small class="bad">{}</small>)", html(first_words(run.error, kErrorBytes)));
  return text;
}

std::string runs(const StatusView& view) {
  const std::string begin =
      R"(<section class="card" aria-labelledby="runs"><header><h2 id="runs">Last runs</h2></header>)";
  if (view.database->runs.empty()) {
    const bool scheduled =
        std::ranges::any_of(view.database->sources, [](const SourceView& s) { return s.next_run.has_value(); });
    return begin +
           (scheduled
                ? R"(<p class="meta">There are none yet. The daemon begins the first by itself.</p></section>)"
                : R"(<p class="meta">There are none yet. Without a schedule they begin when asked: <code>surveysync sync</code></p></section>)");
  }
  HtmlTable table("Last runs, newest first", "stack three",
                  {{"Run"},
                   {"Source"},
                   {"Kind"},
                   {"Outcome"},
                   {"Started"},
                   {"Took", true},
                   {"New", true},
                   {"Updated", true},
                   {"Deleted", true},
                   {"Requests", true}});
  for (const RunView& run : view.database->runs) {
    const auto count = [&](std::int64_t rows) { return run.outcome.empty() ? "–" : with_commas(rows); };
    table.add({std::to_string(run.run_id), html(run.source), html(run.kind), outcome(run),
               time_element(run.started_at, view.at),
               run.finished_at ? spoken_time(*run.finished_at - run.started_at) : "–", count(run.counts.inserted),
               count(run.counts.updated), count(run.counts.tombstoned), count(run.counts.requests)});
  }
  return begin + table.text() + "</section>";
}

std::string chart(const StatusView& view) {
  return R"(<section class="card" aria-labelledby="days"><header><h2 id="days">Rows a day</h2></header>)" +
         chart_of_days(view.database->days) + "</section>";
}

std::string foot(const StatusView& view) {
  return fmt::format(
      R"(<footer><div class="wrap"><span>surveysync {}</span><span>up {}, since {}</span><span>all times UTC</span><span><a href="/metrics">metrics</a></span><span><a href="/api/status">JSON</a></span></div></footer></body></html>
)",
      html(view.version), spoken_time(view.at - view.started_at), to_minute(view.started_at));
}

}  // namespace

std::string status_page(const StatusView& view, const PageOptions& options) {
  const Standing standing = standing_of(view);
  std::string page = head(view, options, standing);
  page += R"(<body><a class="skip" href="#main">Skip to the content</a>)";
  page += icon_sprite();
  page += top(view, options) + R"(<main id="main" class="wrap">)" + hero(view, standing) + trouble(view);
  page += incidents(view);
  if (view.database) {
    for (const SourceView& source : view.database->sources)
      page += source_card(view, source);
    const std::string budget_card = budgets(view);
    page += budget_card.empty() ? chart(view) : R"(<div class="two">)" + chart(view) + budget_card + "</div>";
    page += runs(view);
  }
  return page + "</main>" + foot(view);
}

}  // namespace surveysync::report

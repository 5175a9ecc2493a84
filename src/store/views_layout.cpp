#include "store/views_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace surveysync::store {
namespace {

const model::StreamSpec& stream_named(const std::vector<model::StreamSpec>& streams, const std::string& name) {
  const auto found = std::ranges::find(streams, name, &model::StreamSpec::name);
  if (found == streams.end())
    throw Error(ErrorKind::bug, "wide tables are made from stream " + name + ": there is none");
  return *found;
}

/// A text and its length, so that no two lists of texts read alike.
void append(std::string& out, const std::string& text) {
  out += fmt::format("{}:{}", text.size(), text);
}

std::string columns_text(const model::WidePlan& plan) {
  std::string text;
  for (const model::WideColumn& column : plan.columns) {
    append(text, column.name);
    text += fmt::format("{} {} {};", static_cast<int>(column.type), column.day_first, column.group);
    for (const model::WideFeed& feed : column.feeds) {
      append(text, feed.item);
      append(text, feed.code);
      text += fmt::format("{} {} {};", feed.question_id, static_cast<int>(feed.take), feed.option_id.value_or(-1));
    }
  }
  return text;
}

std::string words_text(const model::WidePlan& plan) {
  std::string text;
  for (const model::WideColumn& column : plan.columns) {
    append(text, column.title);
    append(text, column.question_type);
    text += fmt::format("{} {} {};", column.question_id, column.row_id.value_or(-1), column.option_id.value_or(-1));
    for (const model::WideLabel& label : column.labels) {
      append(text, label.value);
      append(text, label.text);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

WideStreams WideStreams::of(const model::WideSpec& spec, const std::vector<model::StreamSpec>& streams) {
  return {spec, stream_named(streams, spec.definitions), stream_named(streams, spec.records)};
}

std::string wide_name(const std::string& source, const std::string& partition) {
  return source + "_" + partition;
}

std::string name_while_made(const std::string& table) {
  return table + "__new";
}

WideLayout lay_out(const model::WideSpec& spec, const model::WidePlan& plan, const std::string& name, int most) {
  WideLayout layout;
  std::size_t room = 0;
  const auto begin_part = [&] {
    WidePart part;
    part.first = layout.parts.empty();
    const std::string suffix = part.first ? "" : fmt::format("_{}", layout.parts.size() + 1);
    part.table = name + suffix;
    part.labels = name + "_labels" + suffix;
    room = static_cast<std::size_t>(most) - (part.first ? spec.fixed.size() : 1);
    layout.parts.push_back(std::move(part));
  };
  begin_part();
  for (const model::WideColumn& column : plan.columns) {
    if (room == 0) begin_part();
    layout.parts.back().columns.push_back(&column);
    --room;
  }
  layout.columns = model::hash_of(columns_text(plan));
  layout.words = model::hash_of(words_text(plan));
  return layout;
}

}  // namespace surveysync::store

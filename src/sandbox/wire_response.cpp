// The response object and its survey_data, shape by shape.
#include <fmt/format.h>

#include "sandbox/wire.h"

namespace surveysync::sandbox {
namespace {

void optional_text(JsonWriter& out, std::string_view key, const std::optional<std::string>& value) {
  out.key(key);
  value ? out.text(*value) : out.null();
}

void write_url_variables(JsonWriter& out, const Response& response) {
  if (response.url_form == UrlForm::empty_array || response.url_variables.empty()) {
    out.raw("[]");
    return;
  }
  out.begin_object();
  for (const auto& [name, value] : response.url_variables) {
    out.key(name);
    if (response.url_form == UrlForm::plain) {
      out.text(value);
      continue;
    }
    out.begin_object();
    if (response.url_form == UrlForm::key_value_type) out.key("key").text(name);
    out.key("value").text(value);
    if (response.url_form == UrlForm::key_value_type) out.key("type").text("url");
    out.end_object();
  }
  out.end_object();
}

void write_choices(JsonWriter& out, const Entry& entry) {
  out.key("options").begin_object();
  for (const Choice& choice : entry.choices) {
    out.key(choice.sku).begin_object().key("id").number(choice.sku).key("option").text(choice.title);
    if (choice.value_sent) optional_text(out, "answer", choice.value);
    out.end_object();
  }
  out.end_object();
}

void write_cell(JsonWriter& out, const Entry& entry, const Cell& cell) {
  const bool two_levels = entry.shape == AnswerShape::cells;
  out.key(two_levels ? cell.sku : cell.row);
  if (cell.entry_is_null) {
    out.null();
    return;
  }
  out.begin_object().key("id").number(two_levels ? cell.sku : cell.row).key("type").text(cell.type);
  out.key("parent").number(entry.question_id).key("question").text(cell.question);
  optional_text(out, "answer", cell.answer);
  if (cell.answer_id) out.key("answer_id").number(*cell.answer_id);
  if (two_levels) out.key("shown").boolean(cell.shown);
  out.end_object();
}

void write_subquestions(JsonWriter& out, const Entry& entry) {
  out.key("subquestions").begin_object();
  if (entry.shape == AnswerShape::rows) {
    for (const Cell& cell : entry.cells)
      write_cell(out, entry, cell);
    out.end_object();
    return;
  }
  for (std::size_t i = 0; i < entry.cells.size();) {
    const std::int64_t row = entry.cells[i].row;
    out.key(row).begin_object();
    for (; i < entry.cells.size() && entry.cells[i].row == row; ++i)
      write_cell(out, entry, entry.cells[i]);
    out.end_object();
  }
  out.end_object();
}

void write_ranking(JsonWriter& out, const Entry& entry) {
  out.key("answer").begin_object();
  for (const Choice& choice : entry.choices) {
    out.key(choice.sku).begin_object().key("id").number(choice.sku).key("option").text(choice.title);
    out.key("rank").text(std::to_string(choice.rank)).end_object();
  }
  out.end_object();
}

void write_heat_map(JsonWriter& out, const Entry& entry) {
  out.key("answer").begin_object().key("response").begin_object();
  out.key("imageW").number(640).key("imageH").number(480).key("dots").begin_array();
  for (const Dot& dot : entry.dots) {
    out.begin_object().key("id").number(dot.id).key("x").number(dot.x).key("y").number(dot.y);
    out.key("xPercent").raw("0.5").key("yPercent").raw("0.25").key("gridX").number(1).key("gridY").number(2);
    out.key("color").text("#ff0000");
    optional_text(out, "comment", dot.comment);
    optional_text(out, "answer", dot.answer);
    out.end_object();
  }
  out.end_array().end_object().end_object();
}

void write_scalar(JsonWriter& out, const Entry& entry) {
  out.key("answer");
  entry.bare_number ? out.raw(entry.answer) : out.text(entry.answer);
  if (!entry.answer_id) return;
  out.key("answer_id");
  if (entry.is_other) {
    out.text(fmt::format("{}-other", *entry.answer_id));
  } else if (entry.answer_id_as_text) {
    out.text(std::to_string(*entry.answer_id));
  } else {
    out.number(*entry.answer_id);
  }
}

void write_answer(JsonWriter& out, const Entry& entry, bool nulls_sent) {
  switch (entry.shape) {
    case AnswerShape::none:
      if (nulls_sent && entry.type != "parent") out.key("answer").null();
      break;
    case AnswerShape::scalar:
      write_scalar(out, entry);
      break;
    case AnswerShape::options:
      write_choices(out, entry);
      break;
    case AnswerShape::rows:
    case AnswerShape::cells:
      write_subquestions(out, entry);
      break;
    case AnswerShape::ranking:
      write_ranking(out, entry);
      break;
    case AnswerShape::signature:
      out.key("answer")
          .begin_object()
          .key("signature")
          .text("https://example.com/sig.png")
          .key("name")
          .text(entry.answer)
          .end_object();
      break;
    case AnswerShape::heat_map:
      write_heat_map(out, entry);
      break;
    case AnswerShape::raw:
      out.key("answer").raw(entry.answer);
      break;
  }
}

void write_entry(JsonWriter& out, const Entry& entry, bool nulls_sent) {
  out.key(entry.question_id).begin_object().key("id").number(entry.question_id).key("type").text(entry.type);
  if (entry.parent) out.key("parent").number(*entry.parent);
  out.key("question").text(entry.question).key("section_id").number(entry.page_id);
  if (entry.original_answer) out.key("original_answer").text(*entry.original_answer);
  write_answer(out, entry, nulls_sent);
  if (entry.comments) out.key("comments").text(*entry.comments);
  out.key("shown").boolean(entry.shown).end_object();
}

void write_place(JsonWriter& out, const Response& response) {
  optional_text(out, "longitude", response.longitude);
  optional_text(out, "latitude", response.latitude);
  optional_text(out, "country", response.country);
  optional_text(out, "city", response.city);
  optional_text(out, "region", response.region);
  optional_text(out, "postal", response.postal);
  optional_text(out, "dma", response.dma);
}

}  // namespace

void write_survey_data(JsonWriter& out, const Response& response) {
  if (response.entries.empty()) {
    out.raw("[]");
    return;
  }
  out.begin_object();
  for (const Entry& entry : response.entries)
    write_entry(out, entry, response.nulls_sent);
  out.end_object();
}

void write_response(JsonWriter& out, const Response& response, const WireStyle& style, bool dated) {
  const auto shown = [&](Seconds at) {
    return style.suffix ? style.region->local_with_suffix(at) : style.region->local(at);
  };
  const Row& row = response.row;
  out.begin_object().key("id").text(std::to_string(row.id)).key("contact_id").text(response.contact_id);
  out.key("status")
      .text(row.deleted        ? "Deleted"
            : style.new_status ? "Screened Out"
                               : status_name(row.status))
      .key("is_test_data")
      .text(row.test ? "1" : "0");
  out.key("date_submitted").text(shown(row.submitted));
  out.key("session_id").text(response.session_id).key("language");
  if (style.type_drift) {
    out.begin_array().text(response.language).end_array();
  } else {
    out.text(response.language);
  }
  out.key("date_started").text(shown(row.started));
  if (dated) out.key("date_updated").text(style.updated->local(row.updated));
  optional_text(out, "link_id", response.link_id);
  out.key("url_variables");
  if (style.scalar_for_array) {
    out.text("none");
  } else {
    write_url_variables(out, response);
  }
  out.key("ip_address").text(response.ip_address);
  optional_text(out, "referer", response.referer);
  out.key("user_agent").text(response.user_agent).key("response_time");
  response.response_time ? out.number(*response.response_time) : out.null();
  out.key("data_quality").raw(response.data_quality);
  optional_text(out, "comments", response.comments);
  write_place(out, response);
  if (style.new_field) out.key("sentiment").begin_object().key("score").number(1).end_object();
  out.key("survey_data");
  write_survey_data(out, response);
  out.end_object();
}

}  // namespace surveysync::sandbox

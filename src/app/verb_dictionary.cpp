#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

#include "app/dictionary_script.h"
#include "app/lanes.h"
#include "app/verbs.h"
#include "base/descriptor.h"
#include "store/dictionary.h"

namespace surveysync::app {
namespace {

// Rows in memory at once.
constexpr std::int64_t kRows = 2000;

struct ExportFlags {
  std::string source, output;
  std::vector<std::string> surveys, formats;

  bool wants(std::string_view format) const { return std::ranges::find(formats, format) != formats.end(); }
};

/// A file that only its owner may read: it may hold what people answered.
class PrivateFile {
 public:
  explicit PrivateFile(const std::filesystem::path& path)
      : path_(path.string()),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)) {
    if (descriptor_.get() < 0) fail();
    if (::fchmod(descriptor_.get(), S_IRUSR | S_IWUSR) != 0) fail();
  }

  void write(std::string_view text) {
    while (!text.empty()) {
      const ::ssize_t written = ::write(descriptor_.get(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail();
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::config, fmt::format("{} cannot be written: {}", path_, std::strerror(errno)),
                "name another folder with --output");
  }
  const std::string path_;
  Descriptor descriptor_;
};

class Export {
 public:
  Export(Program& program, const ExportFlags& flags) : program_(program), flags_(flags), folder_(flags.output) {}

  int run() {
    program_.start_log();
    const std::vector<const SourceConfig*> chosen = choose_sources(
        program_.config(), flags_.source.empty() ? std::vector<std::string>() : std::vector{flags_.source});
    const std::set<std::string> surveys = chosen_surveys(flags_.surveys, chosen.size(), "dictionary export");
    std::set<std::string> names;
    for (const SourceConfig* source : chosen)
      names.insert(source->name);
    const auto connection = program_.open_database();
    store::Dictionary dictionary(*connection);
    const std::vector<store::DictionaryRow> rows = dictionary.rows(names, surveys);
    if (rows.empty()) {
      throw Error(ErrorKind::config, "there are no wide tables of this yet",
                  "`surveysync sync` makes them, `surveysync views rebuild` makes them anew");
    }
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) throw Error(ErrorKind::config, fmt::format("{} cannot be made: {}", flags_.output, failed.message()));
    if (flags_.wants("csv")) write_dictionary(rows);
    if (flags_.wants("spss") || flags_.wants("stata") || flags_.wants("r")) write_tables(dictionary, rows);
    tell();
    return 0;
  }

 private:
  void write_dictionary(const std::vector<store::DictionaryRow>& rows) {
    PrivateFile file(made("dictionary.csv"));
    file.write(
        "source,survey_id,table,variable,position,type,question_id,row_id,option_id,question_type,title,labels\n");
    const auto id = [](const std::optional<std::int64_t>& some) {
      return some ? std::to_string(*some) : std::string();
    };
    for (const store::DictionaryRow& row : rows) {
      file.write(fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", row.source, row.partition, row.table,
                             row.variable, row.position, row.type, id(row.question_id), id(row.row_id),
                             id(row.option_id), csv_field(row.question_type), csv_field(row.title),
                             row.labels.empty() ? "" : csv_field(row.labels)));
    }
  }

  void write_tables(store::Dictionary& dictionary, const std::vector<store::DictionaryRow>& rows) {
    for (std::size_t begin = 0; begin < rows.size();) {
      std::size_t end = begin;
      while (end < rows.size() && rows[end].table == rows[begin].table && rows[end].source == rows[begin].source)
        ++end;
      write_table(dictionary,
                  {rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.begin() + static_cast<std::ptrdiff_t>(end)});
      begin = end;
    }
  }

  void write_table(store::Dictionary& dictionary, const std::vector<store::DictionaryRow>& rows) {
    const std::string& table = rows.front().table;
    std::vector<ScriptColumn> columns = script_columns(rows);
    write_data(dictionary, rows, columns);
    if (flags_.wants("spss")) PrivateFile(made(table + ".sps")).write(spss_script(table, columns));
    if (flags_.wants("stata")) PrivateFile(made(table + ".do")).write(stata_script(table, columns));
    if (flags_.wants("r")) PrivateFile(made(table + ".R")).write(r_script(table, columns));
  }

  /// Also how wide texts are.
  void write_data(store::Dictionary& dictionary, const std::vector<store::DictionaryRow>& rows,
                  std::vector<ScriptColumn>& columns) {
    PrivateFile file(made(rows.front().table + ".csv"));
    std::string text;
    for (const ScriptColumn& column : columns)
      text += (text.empty() ? "" : ",") + column.name;
    text += '\n';
    for (std::int64_t after = 0;;) {
      const std::vector<store::Dictionary::Values> records = dictionary.data(rows, after, kRows);
      for (const store::Dictionary::Values& record : records) {
        for (std::size_t i = 0; i < record.size(); ++i) {
          text += (i == 0 ? "" : ",") + csv_field(record[i]);
          if (record[i]) columns[i].width = std::max(columns[i].width, record[i]->size());
        }
        text += '\n';
      }
      file.write(text);
      text.clear();
      if (static_cast<std::int64_t>(records.size()) < kRows) return;
      const std::string& last = *records.back().front();
      std::from_chars(last.data(), last.data() + last.size(), after);
    }
  }

  std::filesystem::path made(const std::string& name) {
    files_.push_back((folder_ / name).string());
    return folder_ / name;
  }

  void tell() {
    for (const std::string& file : files_)
      program_.print(file + "\n");
  }

  Program& program_;
  const ExportFlags& flags_;
  const std::filesystem::path folder_;
  std::vector<std::string> files_;
};

}  // namespace

void add_dictionary_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const dictionary = app.add_subcommand("dictionary", "What the columns of wide tables mean");
  CLI::App* const verb = dictionary->add_subcommand("export", "Write it to files, for people and statistics programs");
  verb->footer(
      "csv: DIR/dictionary.csv, a line for each column of each wide table: question, type, full title, labels as "
      "JSON.\n"
      "spss, stata, r: for each wide table its rows, DIR/TABLE.csv, and a script DIR/TABLE.sps, .do or .R that reads\n"
      "them with variable labels and value labels. Run it in that folder; PSPP runs the one for SPSS. Booleans are 0\n"
      "and 1, times UTC, line breaks in answers blanks. The files hold what people answered: only you may read them.\n"
      "\nExamples:\n  surveysync dictionary export us --output /tmp/us\n"
      "  surveysync dictionary export us --survey 8611799 --format spss --format r --output ~/survey");
  const auto flags = std::make_shared<ExportFlags>();
  verb->add_option("SOURCE", flags->source, "name of the source as configured; default: all");
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->add_option("--format", flags->formats, "csv (the default), spss, stata or r; may be repeated")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember({"csv", "spss", "stata", "r"}));
  verb->add_option("--output", flags->output, "folder for the files; made where it is missing")
      ->type_name("DIR")
      ->required();
  verb->callback([&program, &action, flags] {
    if (flags->formats.empty()) flags->formats = {"csv"};
    action = [&program, flags] { return Export(program, *flags).run(); };
  });
}

}  // namespace surveysync::app

#include "sandbox/sandbox.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/error.h"
#include "sandbox/account.h"
#include "sandbox/certificates.h"
#include "sandbox/control.h"
#include "sandbox/random.h"
#include "sandbox/script.h"
#include "sandbox/server.h"
#include "sandbox/vendor.h"

namespace surveysync::sandbox {
namespace {

// The value that `name` stands for; names are few and known.
template <typename Value>
Value named(std::string_view what, const std::string& name,
            std::initializer_list<std::pair<std::string_view, Value>> values) {
  std::string all;
  for (const auto& [known, value] : values) {
    if (known == name) return value;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", known);
  }
  throw Error(ErrorKind::config, fmt::format("{}: '{}' is unknown", what, name), fmt::format("one of {}", all));
}

AccountSpec account_spec(const SandboxOptions& options) {
  AccountSpec out;
  out.seed = options.seed;
  out.surveys = options.surveys;
  out.responses_min = options.responses_min;
  out.responses_max = options.responses_max;
  out.questions = options.questions;
  out.region_zone = options.region_zone;
  out.active = options.active;
  out.updated_zone = options.updated_in_utc ? "UTC" : options.region_zone;
  if (!options.updated_zone.empty()) out.updated_zone = options.updated_zone;
  out.statistics = named<StatisticsShown>("statistics", options.statistics,
                                          {{"full", StatisticsShown::full},
                                           {"no-deleted", StatisticsShown::without_deleted},
                                           {"none", StatisticsShown::none}});
  out.statistics_lag = std::chrono::duration_cast<std::chrono::seconds>(options.statistics_lag).count();
  if (options.vendor_time) out.anchor = *options.vendor_time;
  out.visibility_lag = std::chrono::duration_cast<std::chrono::seconds>(options.visibility_lag).count();
  return out;
}

InventorySpec inventory_spec(const SandboxOptions& options, Seconds anchor) {
  InventorySpec out;
  out.seed = options.seed;
  out.anchor = anchor;
  out.users = options.users;
  out.lists = options.contact_lists;
  out.campaigns = options.campaigns;
  out.messages = options.messages;
  out.quotas = options.quotas;
  out.contacts_min = options.contacts_min;
  out.contacts_max = options.contacts_max;
  out.list_contacts_min = options.list_contacts_min;
  out.list_contacts_max = options.list_contacts_max;
  return out;
}

VendorSpec vendor_spec(const SandboxOptions& options) {
  return {
      {options.limit, options.window, options.penalty.value_or(options.window), options.cache, options.refuse_repeats},
      options.page_cap,
      options.latency,
      options.suffix,
      named<DeletedAnswer>("deleted-answer", options.deleted_answer,
                           {{"by-id", DeletedAnswer::by_id},
                            {"404", DeletedAnswer::refused_404},
                            {"false200", DeletedAnswer::refused_200},
                            {"null", DeletedAnswer::null},
                            {"status", DeletedAnswer::status},
                            {"html404", DeletedAnswer::html_404}}),
      options.file_bytes,
      options.plain_http};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw Error(ErrorKind::config, fmt::format("cannot write {}", path.string()));
}

// What a day at the vendor looks like: mostly new responses, some finished later, some edited.
Change next_change(Draw& draw, bool deletes) {
  Change change;
  const std::int64_t luck = draw.below(deletes ? 11 : 10);
  change.op = luck < 4    ? Change::Op::insert
              : luck < 7  ? Change::Op::complete
              : luck < 10 ? Change::Op::edit
                          : Change::Op::remove;
  if (change.op == Change::Op::insert && draw.chance(300)) change.status = Status::partial;
  return change;
}

}  // namespace

struct Sandbox::Parts {
  explicit Parts(const SandboxOptions& options, std::filesystem::path key_file)
      : real(options.clock != nullptr ? *options.clock : system),
        account(account_spec(options)),
        inventory(inventory_spec(options, account.spec().anchor), account.region()),
        header_skew(options.header_skew),
        clock(real, options.vendor_time, options.clock_skew),
        vendor(vendor_spec(options), account, inventory, clock, make_key(options.seed, 0)),
        script(account, clock, vendor.faults()),
        control(account, inventory, vendor, clock, script, std::move(key_file)),
        certificates(make_certificates(
            std::chrono::duration_cast<std::chrono::seconds>(real.utc_now().time_since_epoch()).count())),
        api([this](Connection& to, const HttpRequest& request,
                   const std::stop_token& stop) { return answer(to, request, stop); },
            options.plain_http ? nullptr : certificates.context.get()),
        controls([this](Connection& to, const HttpRequest& request,
                        const std::stop_token& stop) { return control.serve(to, request, stop); },
                 nullptr) {
    for (const std::string& rule : options.faults)
      vendor.faults().add(rule);
  }

  bool answer(Connection& to, const HttpRequest& request, const std::stop_token& stop) {
    const Reply reply = vendor.answer(request, stop);
    script.after_request(request.path);
    const Seconds skew = std::chrono::duration_cast<std::chrono::seconds>(header_skew).count();
    return send_reply(to, request, reply, {real, http_date(clock.now() + skew), stop});
  }

  // Changes come only while somebody reads: a quiet account stays as it is.
  void live(int per_second, bool deletes, std::uint64_t seed, const std::stop_token& stop) {
    Draw draw({seed, 0x11FE});
    while (real.wait_for(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second, stop)) {
      const bool being_read =
          vendor.last_request() > Duration::zero() && clock.elapsed() - vendor.last_request() < std::chrono::seconds(2);
      if (being_read && !control.live_paused()) script.apply(next_change(draw, deletes), "live");
    }
  }

  static std::string http_date(Seconds at);

  SystemClock system;
  Clock& real;
  Account account;
  Inventory inventory;
  Duration header_skew;
  VendorClock clock;
  Vendor vendor;
  Script script;
  Control control;
  Certificates certificates;
  Server api, controls;
  std::jthread live_thread;
};

std::string Sandbox::Parts::http_date(Seconds at) {
  static constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string text = wall_text(at);
  const auto month = static_cast<std::size_t>(std::stoi(text.substr(5, 2)) - 1);
  return fmt::format("{}, {} {} {} {} GMT", kDays[static_cast<std::size_t>(at / 86400 % 7)], text.substr(8, 2),
                     kMonths[month], text.substr(0, 4), text.substr(11));
}

Sandbox::Sandbox(SandboxOptions options)
    : options_(std::move(options)), parts_(std::make_unique<Parts>(options_, options_.dir / "us.key")) {}

Sandbox::~Sandbox() {
  stop();
}

void Sandbox::start() {
  std::error_code failed;
  std::filesystem::create_directories(options_.dir, failed);
  if (failed || ::chmod(options_.dir.c_str(), 0700) != 0) {
    throw Error(ErrorKind::config, fmt::format("cannot make the directory {}", options_.dir.string()));
  }
  parts_->api.start(options_.port);
  parts_->controls.start(options_.control_port);
  write_file(ca_file(), parts_->certificates.ca_pem);
  write_key(secret_file(), parts_->vendor.key());
  std::string about;
  JsonWriter json(about, JsonWriter::Style::truth);
  json.begin_object().key("base_url").text(base_url()).key("control_url").text(control_url());
  json.key("ca_file").text(ca_file().string()).key("secret_file").text(secret_file().string());
  json.key("pid").number(::getpid()).end_object();
  write_file(options_.dir / "sandbox.json", about + "\n");
  if (options_.live > 0) {
    parts_->live_thread = std::jthread([this](const std::stop_token& stop) {
      parts_->live(options_.live, options_.live_deletes, options_.seed, stop);
    });
  }
}

void Sandbox::stop() {
  parts_->live_thread = {};
  parts_->api.stop();
  parts_->controls.stop();
}

std::string Sandbox::base_url() const {
  return fmt::format("{}://localhost:{}", options_.plain_http ? "http" : "https", parts_->api.port());
}

std::string Sandbox::control_url() const {
  return fmt::format("http://127.0.0.1:{}", parts_->controls.port());
}

std::filesystem::path Sandbox::ca_file() const {
  return options_.dir / "ca.pem";
}

std::filesystem::path Sandbox::secret_file() const {
  return options_.dir / "us.key";
}

}  // namespace surveysync::sandbox

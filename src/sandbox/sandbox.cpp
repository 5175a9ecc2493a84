#include "sandbox/sandbox.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/error.h"
#include "sandbox/certificates.h"
#include "sandbox/control.h"
#include "sandbox/json_writer.h"
#include "sandbox/personalities.h"
#include "sandbox/random.h"
#include "sandbox/script.h"
#include "sandbox/server.h"

namespace surveysync::sandbox {
namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw Error(ErrorKind::config, fmt::format("cannot write {}", path.string()));
}

}  // namespace

struct Sandbox::Parts {
  explicit Parts(const SandboxOptions& options)
      : real(options.clock != nullptr ? *options.clock : system),
        header_skew(options.header_skew),
        clock(real, options.vendor_time, options.clock_skew),
        vendor(make_personality(options, clock)),
        script(vendor->account(), clock, vendor->faults()),
        control(*vendor, clock, script, options.dir / vendor->key_file_name()),
        certificates(make_certificates(
            std::chrono::duration_cast<std::chrono::seconds>(real.utc_now().time_since_epoch()).count())),
        api([this](Connection& to, const HttpRequest& request,
                   const std::stop_token& stop) { return answer(to, request, stop); },
            options.plain_http ? nullptr : certificates.context.get()),
        controls([this](Connection& to, const HttpRequest& request,
                        const std::stop_token& stop) { return control.serve(to, request, stop); },
                 nullptr) {
    for (const std::string& rule : options.faults)
      vendor->faults().add(rule);
  }

  bool answer(Connection& to, const HttpRequest& request, const std::stop_token& stop) {
    const Reply reply = vendor->answer(request, stop);
    script.after_request(request.path);
    const Seconds skew = std::chrono::duration_cast<std::chrono::seconds>(header_skew).count();
    return send_reply(to, request, reply, {real, http_date(clock.now() + skew), stop});
  }

  // Changes come only while somebody reads: a quiet account stays as it is.
  void live(int per_second, bool deletes, std::uint64_t seed, const std::stop_token& stop) {
    Draw draw({seed, 0x11FE});
    while (real.wait_for(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second, stop)) {
      const Duration last = vendor->requests().last_request();
      const bool being_read = last > Duration::zero() && clock.elapsed() - last < std::chrono::seconds(2);
      if (being_read && !control.live_paused()) script.apply(vendor->live_change(draw, deletes), "live");
    }
  }

  static std::string http_date(Seconds at);

  SystemClock system;
  Clock& real;
  Duration header_skew;
  VendorClock clock;
  std::unique_ptr<Personality> vendor;
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

Sandbox::Sandbox(SandboxOptions options) : options_(std::move(options)), parts_(std::make_unique<Parts>(options_)) {}

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
  write_key(secret_file(), parts_->vendor->key_text());
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
  return options_.dir / parts_->vendor->key_file_name();
}

}  // namespace surveysync::sandbox

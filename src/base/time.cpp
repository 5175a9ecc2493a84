#include "base/time.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <random>
#include <system_error>

namespace surveysync {
namespace {

struct Unit {
  std::string_view name;
  Duration size;
};
// Largest first: format_duration takes the first that divides without a rest.
constexpr Unit kUnits[] = {{"d", std::chrono::hours(24)},
                           {"h", std::chrono::hours(1)},
                           {"m", std::chrono::minutes(1)},
                           {"s", std::chrono::seconds(1)},
                           {"ms", std::chrono::milliseconds(1)}};

std::mt19937_64& engine() {
  thread_local std::mt19937_64 instance = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return instance;
}

}  // namespace

SteadyTime SystemClock::now() const {
  return std::chrono::steady_clock::now();
}

UtcTime SystemClock::utc_now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

bool SystemClock::wait_until(SteadyTime until, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  // The predicate never holds: only time or stop ends the wait.
  wake.wait_until(lock, stop, until, [] { return false; });
  return !stop.stop_requested();
}

Duration Deadline::left() const {
  return std::max(at_ - clock_->now(), Duration::zero());
}

Duration Backoff::wait(int attempt, double uniform_draw) const {
  Duration ceiling = std::min(base_, cap_);
  for (int doubled = 1; doubled < attempt && ceiling < cap_; ++doubled) {
    ceiling = ceiling > cap_ / 2 ? cap_ : ceiling * 2;
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(ceiling) * uniform_draw);
}

double random_unit() {
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine());
}

std::uint64_t random_u64() {
  return engine()();
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc()) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    if (number > Duration::max() / unit.size) return std::nullopt;
    return unit.size * number;
  }
  return std::nullopt;
}

std::string format_duration(Duration time) {
  if (time == Duration::zero()) return "0s";
  for (const Unit& unit : kUnits) {
    if (time % unit.size == Duration::zero()) return fmt::format("{}{}", time / unit.size, unit.name);
  }
  return fmt::format("{}ms", std::chrono::round<std::chrono::milliseconds>(time).count());
}

std::string format_utc(UtcTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto micros = clock.subseconds().count(); micros != 0) {
    text += fmt::format(".{:06}", micros);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

}  // namespace surveysync

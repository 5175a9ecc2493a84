#include "store/shared_budget.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "pg/binary.h"

namespace surveysync::store {
namespace {

/// A slot takes a fraction of a millisecond; what takes longer than this is an outage.
constexpr Duration kStatement = std::chrono::seconds(5);
constexpr Duration kFirstWait = std::chrono::milliseconds(100), kLongestWait = std::chrono::seconds(2);

// One statement, so one round trip and one row lock. Times are asked for where they are used, as the statement may have
// waited for the row. A slot that is lost in a crash of the server harms nobody: its commit need not reach the disk.
constexpr const char* kSlot =
    "INSERT INTO surveysync.rate_budget AS b (account, next_free_at, updated_at) "
    "VALUES ($1, pg_catalog.clock_timestamp() + $2 * interval '1 microsecond', pg_catalog.clock_timestamp()) "
    "ON CONFLICT (account) DO UPDATE SET "
    "next_free_at = greatest(b.next_free_at, b.rest_until, pg_catalog.clock_timestamp()) + "
    "$2 * interval '1 microsecond', updated_at = pg_catalog.clock_timestamp() "
    "WHERE greatest(b.next_free_at, b.rest_until, pg_catalog.clock_timestamp()) - pg_catalog.clock_timestamp() <= "
    "$3 * interval '1 microsecond' "
    "RETURNING (extract(epoch FROM b.next_free_at - $2 * interval '1 microsecond' - pg_catalog.clock_timestamp()) "
    "* 1000000)::bigint, pg_catalog.set_config('synchronous_commit', 'off', true)";

constexpr const char* kRest =
    "INSERT INTO surveysync.rate_budget AS b (account, next_free_at, rest_until, updated_at) "
    "VALUES ($1, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() + $2 * interval '1 microsecond', "
    "pg_catalog.clock_timestamp()) ON CONFLICT (account) DO UPDATE SET "
    "rest_until = greatest(b.rest_until, pg_catalog.clock_timestamp() + $2 * interval '1 microsecond'), "
    "updated_at = pg_catalog.clock_timestamp() "
    "RETURNING pg_catalog.set_config('synchronous_commit', 'off', true)";

pg::Param microseconds(std::chrono::microseconds time) {
  return pg::int8(time.count());
}

}  // namespace

struct SharedBudget::Impl {
  Impl(const pg::ConnectOptions& the_options, std::string the_account, Clock& the_clock, Observer* the_observer)
      : options(the_options.impatient(kStatement)),
        account(std::move(the_account)),
        clock(the_clock),
        observer(the_observer) {}

  /// The connection is one caller's at a time. Not a mutex: those who wait for it heed their stop.
  class Turn {
   public:
    Turn(Impl& impl, const std::stop_token& stop) : impl_(impl) {
      std::unique_lock lock(impl.mutex);
      if (!impl.freed.wait(lock, stop, [&] { return !impl.taken; })) {
        throw Error(ErrorKind::cancelled, "stopped while waiting for the request budget");
      }
      impl.taken = true;
    }
    ~Turn() {
      {
        const std::lock_guard lock(impl_.mutex);
        impl_.taken = false;
      }
      impl_.freed.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Impl& impl_;
  };

  /// One statement; connects first where that must be. Only in one's turn.
  pg::Result execute(const char* sql, const std::vector<pg::Param>& params, const std::stop_token& stop) {
    try {
      if (connection) {
        connection->use_stop(stop);
      } else {
        connection = std::make_unique<pg::Connection>(options, clock, stop);
      }
      return connection->execute(sql, params);
    } catch (const Error&) {
      if (connection && !connection->alive()) connection.reset();
      throw;
    }
  }

  const pg::ConnectOptions options;
  const std::string account;
  Clock& clock;
  Observer* const observer;
  std::atomic<bool> told = false;  ///< that the database is away
  std::mutex mutex;
  std::condition_variable_any freed;
  bool taken = false;
  std::unique_ptr<pg::Connection> connection;
  std::stop_token last_stop;  ///< of the caller before: a rest, which is given none, ends with it
};

SharedBudget::SharedBudget(pg::ConnectOptions options, std::string account, Clock& clock, Observer* observer)
    : impl_(std::make_unique<Impl>(options, std::move(account), clock, observer)) {}
SharedBudget::~SharedBudget() = default;

std::optional<Duration> SharedBudget::take(Duration interval, Duration longest, const std::stop_token& stop) {
  Impl& impl = *impl_;
  const std::vector<pg::Param> params = {pg::text(impl.account),
                                         microseconds(std::chrono::ceil<std::chrono::microseconds>(interval)),
                                         microseconds(std::chrono::floor<std::chrono::microseconds>(longest))};
  const Deadline outage(impl.clock, kOutage);
  const Backoff backoff(kFirstWait, kLongestWait);
  for (int attempt = 1;; ++attempt) {
    try {
      const Impl::Turn turn(impl, stop);
      impl.last_stop = stop;
      const pg::Result slot = impl.execute(kSlot, params, stop);
      impl.told = false;
      if (slot.rows() == 0) return std::nullopt;
      return std::max(Duration::zero(), Duration(std::chrono::microseconds(slot.integer(0, 0))));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unavailable && error.kind() != ErrorKind::conflict) throw;
      if (error.kind() == ErrorKind::unavailable && impl.observer != nullptr && !impl.told.exchange(true)) {
        impl.observer->on_event(
            event::StoreUnavailable{{}, std::string("the request budget waits for it: ") + error.what()});
      }
      if (outage.passed()) {
        throw Error(ErrorKind::unavailable, std::string("the shared request budget cannot be asked: ") + error.what());
      }
    }
    // Here it is somebody else's turn.
    const Duration wait = std::min(backoff.wait(attempt, random_unit()), outage.left());
    if (!impl.clock.wait_for(wait, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while the request budget could not be asked");
    }
  }
}

void SharedBudget::rest(Duration time) noexcept {
  Impl& impl = *impl_;
  try {
    const std::vector<pg::Param> params = {pg::text(impl.account),
                                           microseconds(std::chrono::ceil<std::chrono::microseconds>(time))};
    // Once more on a fresh connection: the old one may have been lost while nobody used it.
    for (int attempt = 1; attempt <= 2; ++attempt) {
      try {
        const Impl::Turn turn(impl, {});
        // A stop that was there before must not keep the others from hearing of the rest.
        impl.execute(kRest, params, impl.last_stop.stop_requested() ? std::stop_token() : impl.last_stop);
        return;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable && error.kind() != ErrorKind::conflict) return;
      }
    }
  } catch (...) {
    // What cannot be shared, the caller keeps alone (base/budget.h).
    return;
  }
}

}  // namespace surveysync::store
